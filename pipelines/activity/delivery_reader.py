"""Files on their way in: read, staged, judged, and laid into temporary tables; nothing lasting but raw rows."""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.files import PLAIN, Files
from configs.zones import zone_names
from data.contracts_in import EVENT_COLUMNS, PLAYER_COLUMNS
from data.duckdb_errors import is_out_of_room
from data.warehouse import Warehouse
from pipelines.activity.columns import OWN_COLUMNS, say_lacking
from pipelines.activity.deliveries import BAD_ROWS, Delivery, earlier_deliveries, is_taken
from pipelines.activity.drift import columns_in
from pipelines.activity.erased import hold_back
from pipelines.activity.faults import EVENT_MOMENTS, PLAYER_MOMENTS, check_events_sql, check_players_sql
from pipelines.activity.moments import read_odd_moments, with_plain_moments
from pipelines.activity.normalise import MARKS, column_types, stage_json, stage_typed
from pipelines.activity.quarantine import feed_of, places_in
from pipelines.activity.raw_tables import forget_delivery, has_rows_of, keep_block, running, table_for
from pipelines.activity.read_files import Block, hash_file, read_blocks, table_stem
from pipelines.activity.read_text import Limits
from pipelines.activity.refused import RAW_CHARACTERS, BadLine, FileRefusedError
from pipelines.activity.source import Source


@dataclass(frozen=True)
class IngestRun:
    """The settled facts of one run; its rows lie in temporary tables, the bad ones in `bad_rows`.

    Attributes:
        most_blocks: How many blocks of each file are read; none is all of them.
        calendar: The SELECT that yields the calendar.
        ours: The program wrote the files itself.
        others: Raw tables of the app's other source: that of players where these are events, else that of events.
    """

    warehouse: Warehouse
    app: App
    now: dt.datetime
    players: bool
    source: Source | None
    version: str
    limits: Limits
    on_bytes: Callable[[str, int], None]
    most_blocks: int | None = None
    calendar: Source | None = None
    ours: bool = False
    others: tuple[str, ...] = ()

    @property
    def raw_tables(self) -> tuple[str, ...]:
        """The raw tables that files may feed."""
        return tuple(table for source in (self.source, self.calendar) if source for table in source.tables)

    @property
    def direct(self) -> str:
        """What files with the contract's own columns feed."""
        return "players" if self.players else "events"

    @property
    def columns(self) -> Mapping[str, bool]:
        """The contract's columns, and whether a file must have them."""
        return PLAYER_COLUMNS if self.players else EVENT_COLUMNS

    @property
    def written(self) -> Files:
        """How text files with the contract's own columns are written: with a source, what the app says is of others."""
        foreign = self.source is not None or self.app.source is not None  # of events, where these are players
        return Files(encoding=self.app.files.encoding) if foreign else self.app.files

    @property
    def table(self) -> str:
        """The temporary table of rows on their way in."""
        return "incoming_players" if self.players else "incoming"

    def blocks(self, path: Path, wanted: Sequence[str], written: Files) -> Iterator[Block]:
        """A file's blocks, as many of them as are wanted."""
        found = read_blocks(path, wanted, self.limits, lambda n: self.on_bytes(path.name, n), written)
        return itertools.islice(found, self.most_blocks)

    def check(self, staged: str) -> None:
        """Type rows that a query stages and find their faults; good and bad go into `table`, the bad with a reason."""
        warehouse, zone = self.warehouse, self.app.timezone
        moments, check = (PLAYER_MOMENTS, check_players_sql) if self.players else (EVENT_MOMENTS, check_events_sql)
        rows = with_plain_moments(f"({staged})", moments, zone)
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE staged AS FROM {rows}")
        read_odd_moments(warehouse, "staged", moments, zone)
        warehouse.run(f"INSERT INTO {self.table} BY NAME {check(self.app, 'staged', self.now)}")
        warehouse.run("DROP TABLE staged")


def as_written(app: App) -> str:
    """What an app file says of how text files are written, as one text; empty where it says nothing."""
    return app.files.model_dump_json() if app.files != PLAIN else ""


def prepare(ingest: IngestRun) -> None:
    """Empty the temporary tables."""
    ingest.warehouse.run(ingest.warehouse.fixed("activity/incoming"))
    know_zones(ingest.warehouse)


def know_zones(warehouse: Warehouse) -> None:
    """Lay the time zones that count into the temporary table `known_zones`."""
    with warehouse.lend(_zones=_zones()):
        warehouse.run(
            "CREATE OR REPLACE TEMP TABLE known_zones AS "
            "SELECT zone FROM _zones WHERE zone IN (SELECT name FROM pg_timezone_names()) AND zone <> 'localtime'"
        )


@cache
def _zones() -> pl.DataFrame:
    return pl.DataFrame({"zone": sorted(zone_names())})


def announce(ingest: IngestRun, path: Path, number: int, before: set[str]) -> Delivery:
    """Give a file its delivery id, or say why it is not read.

    Args:
        ingest: The run.
        path: The file.
        number: Its place among all deliveries.
        before: Hashes of the files of this run; this one's is added.
    """
    try:
        mends = tuple(places_in(path))
    except OSError:
        mends = ()  # what cannot be read is told below
    feeds = feed_of(ingest.warehouse, mends, ingest.direct) if mends else _fed_by(ingest, path)
    if mends and feeds in _of_the_others(ingest):
        whose, how = ("events", "without") if ingest.players else ("players", "with")
        return Delivery(str(path), "ignored", reason=f"its mended rows are of {whose}: take it {how} --players")
    if feeds is None:
        reads = ", ".join(sorted({name.removeprefix("raw_") for name in ingest.raw_tables}))
        why = f"the source reads {reads}; without it go files named {ingest.direct}, or {ingest.direct}- and more"
        if table_for(path, ingest.others):
            whose, how = ("events", "without") if ingest.players else ("players", "with")
            why = f"the source of {whose} reads it, not that of {ingest.direct}: take it {how} --players"
        return Delivery(str(path), "ignored", reason=why)
    try:
        file_hash = hash_file(path)
    except FileRefusedError as error:
        return Delivery(str(path), "refused", feeds, f"{number:08d}-unread", reason=str(error))
    known = file_hash + feeds in before or is_taken(ingest.warehouse, file_hash, feeds, ingest.version)
    before.add(file_hash + feeds)
    return Delivery(
        *(str(path), "already taken" if known else "taken", feeds, f"{number:08d}-{file_hash[:12]}", file_hash),
        mends=mends,
    )


def _of_the_others(ingest: IngestRun) -> set[str]:
    """What only a run of players feeds where this is one of events, and the other way round."""
    return {"events" if ingest.players else "players", *ingest.others} - {*ingest.raw_tables}


def _fed_by(ingest: IngestRun, path: Path) -> str | None:
    """The table that a file feeds: beside a source, files named like the contract still have its columns."""
    if table := table_for(path, ingest.raw_tables):
        return table
    own = ingest.source is None or re.match(rf"{ingest.direct}(?![a-z])", table_stem(path).lower())
    return ingest.direct if own else None


def read_direct(ingest: IngestRun, path: Path, delivery: Delivery) -> Delivery:
    """Read a file that has the contract's columns into the temporary table."""
    wanted = [name for name, needed in ingest.columns.items() if needed]
    n_read = 0
    fields: tuple[str, ...] = ()
    try:
        for block in ingest.blocks(path, wanted, ingest.written):
            if not n_read:
                delivery = replace(delivery, columns=_own_columns(ingest, block))
            _check_block(ingest, block, delivery.delivery_id)
            _note(ingest, block.bad, delivery.delivery_id)
            n_read, fields = n_read + block.frame.height + len(block.bad), _fields_of(block)
    except (FileRefusedError, duckdb.Error) as error:
        if isinstance(error, duckdb.ConstraintException) or (isinstance(error, duckdb.Error) and is_out_of_room(error)):
            raise  # no fault of the file
        for table in (ingest.table, "bad_rows"):
            ingest.warehouse.run(f"DELETE FROM {table} WHERE delivery_id = $id", {"id": delivery.delivery_id})
        reason = str(error) if isinstance(error, FileRefusedError) else f"{_first_line(error)}."
        return replace(delivery, state="refused", reason=reason)
    return replace(delivery, rows_read=n_read, fields=fields)


def read_raw(ingest: IngestRun, path: Path, delivery: Delivery) -> Delivery:
    """Append a file's rows to the raw table it feeds, unless they are there from an earlier version of the source.

    Rows that were read when the app file said something else of how text is written go, and the file is read anew.
    """
    warehouse, table = ingest.warehouse, delivery.feeds
    for earlier, n_rows, written in earlier_deliveries(warehouse, delivery.file_hash, table):
        if written != as_written(ingest.app):
            forget_delivery(warehouse, table, earlier)
        elif has_rows_of(warehouse, table, earlier):
            return replace(delivery, rows_read=n_rows, rows_known=n_rows)
    n_read, n_kept = 0, 0
    fields: tuple[str, ...] = ()
    try:
        for block in ingest.blocks(path, (), ingest.app.files):
            if not n_read:
                delivery = replace(delivery, columns=columns_in(warehouse, block))
            kept, misfits = keep_block(warehouse, table, block, delivery.delivery_id)
            _note(ingest, [*block.bad, *misfits], delivery.delivery_id)
            n_read, n_kept = n_read + block.frame.height + len(block.bad), n_kept + kept
            fields = _fields_of(block)
    except FileRefusedError as error:
        warehouse.run("DELETE FROM bad_rows WHERE delivery_id = $id", {"id": delivery.delivery_id})
        forget_delivery(warehouse, table, delivery.delivery_id)
        return replace(delivery, state="refused", reason=str(error))
    except duckdb.Error as error:  # it has ended the transaction
        if is_out_of_room(error):
            raise
        raise NightquestError(
            f"The file '{path}' cannot be kept: {_first_line(error)}.", "Deliver the others without it; none was taken."
        ) from error
    delivery = replace(delivery, rows_read=n_read, rows_taken=n_kept, rows_refused=n_read - n_kept)
    return replace(delivery, fields=fields)


def select_rows(ingest: IngestRun, source: Source, delivery_id: str) -> None:
    """Run the source over all raw rows and lay what it yields into the temporary table.

    Raises:
        NightquestError: The SELECT fails, or yields other columns than the contract's.
    """
    warehouse = ingest.warehouse
    query = f"({source.sql})"
    with running(warehouse, source):
        staged = stage_typed(query, column_types(warehouse, query), ingest.columns, delivery_id)
        ingest.check(staged)
    if not ingest.players:
        warehouse.run(
            "CREATE OR REPLACE TEMP TABLE unread_ids AS SELECT event_id FROM incoming WHERE reason IS NOT NULL"
        )
    _take_out(ingest)


def show_raw_rows(ingest: IngestRun, source: Source) -> None:
    """Put the row as it was delivered beside each bad row of a source that says where its rows come from."""
    if not {"_delivery_id", "_row"} <= column_types(ingest.warehouse, f"({source.sql})").keys():
        return
    for table in source.tables:
        ingest.warehouse.run(
            f"""UPDATE bad_rows SET raw = delivered.raw
                FROM (SELECT r._delivery_id, r._row,
                             CAST(json_merge_patch(to_json(r), '{{"_delivery_id": null, "_row": null}}') AS VARCHAR)
                             [:{RAW_CHARACTERS}] AS raw
                      FROM {table} AS r
                      SEMI JOIN bad_rows AS b ON b.delivery_id = r._delivery_id AND b.line = r._row) AS delivered
                WHERE bad_rows.delivery_id = delivered._delivery_id AND bad_rows.line = delivered._row"""
        )


def _own_columns(ingest: IngestRun, block: Block) -> dict[str, str]:
    """The columns of a file that should have the contract's; of JSON, whose objects may each lack some, none is kept.

    Raises:
        FileRefusedError: No object has a field that each must have.
    """
    if not block.is_json:
        return columns_in(ingest.warehouse, block)
    with ingest.warehouse.lend(_block=block.frame):
        query = (
            "SELECT DISTINCT unnest(json_keys(TRY_CAST(_raw AS JSON))) AS k FROM _block "
            "WHERE json_type(TRY_CAST(_raw AS JSON)) = 'OBJECT' ORDER BY k"
        )
        keys = [key for (key,) in ingest.warehouse.rows(query) if key not in MARKS]
    missing = [name for name, needed in ingest.columns.items() if needed and name not in keys]
    if keys and missing and "retracts" not in keys:
        raise FileRefusedError(
            f"It {say_lacking(missing, keys, known=[*ingest.columns])}. Name the fields so, or write a source."
        )
    return {}


def _fields_of(block: Block) -> tuple[str, ...]:
    """Names of the fields of a line of delimited text; none where rows are documents or have no text."""
    return () if block.is_json else tuple(name for name in block.frame.columns if name not in OWN_COLUMNS)


def _check_block(ingest: IngestRun, block: Block, delivery_id: str) -> None:
    with ingest.warehouse.lend(_block=block.frame):
        if block.is_json:
            staged = stage_json("_block", ingest.columns, delivery_id)
        else:
            types = column_types(ingest.warehouse, "_block")
            staged = stage_typed("_block", types, ingest.columns, delivery_id)
        ingest.check(staged)
    _take_out(ingest)


def _take_out(ingest: IngestRun) -> None:
    """Take rows with a reason out of those on their way in, to `bad_rows`; nobody copies the others for their sake."""
    warehouse, table = ingest.warehouse, ingest.table
    hold_back(warehouse, table)
    if warehouse.value(f"INSERT INTO bad_rows SELECT {', '.join(BAD_ROWS)} FROM {table} WHERE reason IS NOT NULL"):
        warehouse.run(f"DELETE FROM {table} WHERE reason IS NOT NULL")


def _note(ingest: IngestRun, bad: list[BadLine], delivery_id: str) -> None:
    rows = [(delivery_id, line.line, line.raw, line.reason) for line in bad]
    ingest.warehouse.append("bad_rows", pl.DataFrame(rows, schema=BAD_ROWS, orient="row"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unreadable"])[0][:300].rstrip(".")
