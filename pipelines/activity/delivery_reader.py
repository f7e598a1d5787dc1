"""Files on their way in: read, staged, judged, and laid into temporary tables; nothing lasting but raw rows."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.zones import zone_names
from data.contracts_in import EVENT_COLUMNS, PLAYER_COLUMNS
from data.warehouse import Warehouse, is_out_of_room
from pipelines.activity.deliveries import BAD_ROWS, Delivery, earlier_delivery, is_taken
from pipelines.activity.faults import judge_events_sql, judge_players_sql
from pipelines.activity.normalise import column_types, stage_json, stage_typed
from pipelines.activity.raw_tables import Source, column_fault, forget_delivery, has_rows_of, keep_block, table_for
from pipelines.activity.read_files import Block, hash_file, read_blocks, table_stem
from pipelines.activity.read_text import RAW_CHARACTERS, BadLine, FileRefusedError, Limits


@dataclass(frozen=True)
class Intake:
    """The settled facts of one run; its rows lie in temporary tables, the bad ones in `bad_rows`."""

    warehouse: Warehouse
    app: App
    now: dt.datetime
    players: bool
    source: Source | None
    version: str
    limits: Limits
    on_bytes: Callable[[str, int], None]

    @property
    def direct(self) -> str:
        """What files with the contract's own columns feed."""
        return "players" if self.players else "events"

    @property
    def columns(self) -> Mapping[str, bool]:
        """The contract's columns, and whether a file must have them."""
        return PLAYER_COLUMNS if self.players else EVENT_COLUMNS

    @property
    def table(self) -> str:
        """The temporary table of checked rows."""
        return "incoming_players" if self.players else "incoming"

    def judge(self, staged: str) -> str:
        """The query that types staged rows and finds their faults."""
        judge = judge_players_sql if self.players else judge_events_sql
        return judge(self.app, staged, self.now)


def prepare(intake: Intake) -> None:
    """Empty the temporary tables."""
    warehouse = intake.warehouse
    warehouse.run(warehouse.fixed("activity/incoming"))
    with warehouse.lend(_zones=_zones()):
        warehouse.run(
            "CREATE OR REPLACE TEMP TABLE known_zones AS "
            "SELECT zone FROM _zones WHERE zone IN (SELECT name FROM pg_timezone_names()) AND zone <> 'localtime'"
        )


@cache
def _zones() -> pl.DataFrame:
    return pl.DataFrame({"zone": sorted(zone_names())})


def announce(intake: Intake, path: Path, number: int, before: set[str]) -> Delivery:
    """Give a file its delivery id, or say why it is not read.

    Args:
        intake: The run.
        path: The file.
        number: Its place among all deliveries.
        before: Hashes of the files of this run; this one's is added.
    """
    feeds = _fed_by(intake, path)
    if feeds is None:
        reads = ", ".join(name.removeprefix("raw_") for name in intake.source.tables) if intake.source else ""
        why = f"the source reads {reads}; without it go files named {intake.direct}, or {intake.direct}- and more"
        return Delivery(str(path), "ignored", reason=why)
    try:
        file_hash = hash_file(path)
    except FileRefusedError as error:
        return Delivery(str(path), "refused", feeds, f"{number:08d}-unread", reason=str(error))
    known = file_hash + feeds in before or is_taken(intake.warehouse, file_hash, feeds, intake.version)
    before.add(file_hash + feeds)
    return Delivery(
        str(path), "already taken" if known else "taken", feeds, f"{number:08d}-{file_hash[:12]}", file_hash
    )


def _fed_by(intake: Intake, path: Path) -> str | None:
    """The table that a file feeds: beside a source, files named like the contract still have its columns."""
    if intake.source is None:
        return intake.direct
    own = re.match(rf"{intake.direct}(?![a-z])", table_stem(path).lower())
    return table_for(path, intake.source) or (intake.direct if own else None)


def read_direct(intake: Intake, path: Path, delivery: Delivery) -> Delivery:
    """Read a file that has the contract's columns into the temporary table."""
    wanted = [name for name, needed in intake.columns.items() if needed]
    n_read = 0
    try:
        for block in read_blocks(path, wanted, intake.limits, lambda n: intake.on_bytes(path.name, n)):
            _judge_block(intake, block, delivery.delivery_id)
            _note(intake, block.bad, delivery.delivery_id)
            n_read += block.frame.height + len(block.bad)
    except (FileRefusedError, duckdb.Error) as error:
        if isinstance(error, duckdb.ConstraintException) or (isinstance(error, duckdb.Error) and is_out_of_room(error)):
            raise  # no fault of the file
        for table in (intake.table, "bad_rows"):
            intake.warehouse.run(f"DELETE FROM {table} WHERE delivery_id = $id", {"id": delivery.delivery_id})
        reason = str(error) if isinstance(error, FileRefusedError) else f"{_first_line(error)}."
        return replace(delivery, state="refused", reason=reason)
    return replace(delivery, rows_read=n_read)


def read_raw(intake: Intake, path: Path, delivery: Delivery) -> Delivery:
    """Append a file's rows to the raw table it feeds, unless they are there from an earlier version of the source."""
    warehouse, table = intake.warehouse, delivery.feeds
    earlier = earlier_delivery(warehouse, delivery.file_hash, table)
    if earlier and has_rows_of(warehouse, table, earlier[0]):
        return replace(delivery, rows_read=earlier[1], rows_known=earlier[1])
    n_read, n_kept = 0, 0
    try:
        for block in read_blocks(path, (), intake.limits, lambda n: intake.on_bytes(path.name, n)):
            kept, misfits = keep_block(warehouse, table, block, delivery.delivery_id)
            _note(intake, [*block.bad, *misfits], delivery.delivery_id)
            n_read, n_kept = n_read + block.frame.height + len(block.bad), n_kept + kept
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
    return replace(delivery, rows_read=n_read, rows_taken=n_kept, rows_refused=n_read - n_kept)


def select_rows(intake: Intake, source: Source, delivery_id: str) -> None:
    """Run the source over all raw rows and lay what it yields into the temporary table.

    Raises:
        NightquestError: The SELECT fails, or yields other columns than the contract's.
    """
    warehouse = intake.warehouse
    query = f"({source.sql})"
    try:
        staged = stage_typed(query, column_types(warehouse, query), intake.columns, delivery_id)
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE judged AS {intake.judge(staged)}")
    except (FileRefusedError, duckdb.Error) as error:
        why = column_fault(warehouse, source) if isinstance(error, duckdb.BinderException) else ""
        raise NightquestError(
            f"The source cannot be run: {why or _first_line(error)}.", "Mend its SELECT; nothing was taken."
        ) from error
    _split_judged(intake)


def show_raw_rows(intake: Intake, source: Source) -> None:
    """Put the row as it was delivered beside each bad row of a source that says where its rows come from."""
    if not {"_delivery_id", "_row"} <= column_types(intake.warehouse, f"({source.sql})").keys():
        return
    for table in source.tables:
        intake.warehouse.run(
            f"""UPDATE bad_rows SET raw = delivered.raw
                FROM (SELECT r._delivery_id, r._row,
                             CAST(json_merge_patch(to_json(r), '{{"_delivery_id": null, "_row": null}}') AS VARCHAR)
                             [:{RAW_CHARACTERS}] AS raw
                      FROM {table} AS r
                      SEMI JOIN bad_rows AS b ON b.delivery_id = r._delivery_id AND b.line = r._row) AS delivered
                WHERE bad_rows.delivery_id = delivered._delivery_id AND bad_rows.line = delivered._row"""
        )


def _judge_block(intake: Intake, block: Block, delivery_id: str) -> None:
    with intake.warehouse.lend(_block=block.frame):
        if block.is_json:
            staged = stage_json("_block", intake.columns, delivery_id)
        else:
            types = column_types(intake.warehouse, "_block")
            staged = stage_typed("_block", types, intake.columns, delivery_id)
        intake.warehouse.run(f"CREATE OR REPLACE TEMP TABLE judged AS {intake.judge(staged)}")
    _split_judged(intake)


def _split_judged(intake: Intake) -> None:
    """Judged rows by their reason: those without go on, in their order, and the others to `bad_rows`."""
    warehouse = intake.warehouse
    warehouse.run(f"INSERT INTO {intake.table} BY NAME SELECT * EXCLUDE (reason) FROM judged WHERE reason IS NULL")
    warehouse.run(f"INSERT INTO bad_rows SELECT {', '.join(BAD_ROWS)} FROM judged WHERE reason IS NOT NULL")
    warehouse.run("DROP TABLE judged")


def _note(intake: Intake, bad: list[BadLine], delivery_id: str) -> None:
    rows = [(delivery_id, line.line, line.raw, line.reason) for line in bad]
    intake.warehouse.append("bad_rows", pl.DataFrame(rows, schema=BAD_ROWS, orient="row"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unreadable"])[0][:300].rstrip(".")
