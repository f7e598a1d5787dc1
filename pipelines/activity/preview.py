"""What would become of a delivery: its first rows read, selected and judged in memory, nothing taken."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.app import App
from configs.errors import NightquestError
from configs.files import Files
from data.warehouse import Warehouse
from pipelines.activity.columns import OWN_COLUMNS
from pipelines.activity.deliveries import Delivery
from pipelines.activity.delivery_reader import IngestRun, announce, prepare, read_direct, read_raw, select_rows
from pipelines.activity.missing_columns import refuse_lacking
from pipelines.activity.normalise import quote
from pipelines.activity.raw_tables import check_delivered, taken_apart
from pipelines.activity.read_files import LIMITS, find_files, read_blocks
from pipelines.activity.read_text import Limits
from pipelines.activity.reasons import count_reasons
from pipelines.activity.refused import FileRefusedError
from pipelines.activity.source import read_source
from pipelines.activity.take_calendar import read_calendar, take_calendar

ROWS_SHOWN = 10
FEW = Limits(block_bytes=4 << 20, rows=50_000)
_CALENDAR = f"""SELECT title, kind, starts_on, ends_on, cohort, attributes FROM calendar_entries
                ORDER BY starts_on, title, cohort, attributes LIMIT {ROWS_SHOWN}"""


@dataclass(frozen=True)
class FileColumns:
    """A file's columns, each with the first value that it has, or why it cannot be read."""

    file: str
    columns: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True)
class Preview:
    """What the beginning of a delivery would bring.

    Attributes:
        found: Each file's columns.
        rows: The first events or player records, in the order of the files: line and the contract's columns; a row that
            would be refused has its text as `raw` and its `reason`.
        timezone: The app's: the zone of what is written without one.
        taken: How many of the rows looked at would go in.
        refused: How many would not.
        reasons: Why not, the most frequent first, with how many.
        partly: Whether the files go on beyond what was looked at.
        calendar: The first entries of the calendar: title, kind, starts_on, ends_on, cohort, attributes.
        entries: How many there are.
    """

    found: tuple[FileColumns, ...]
    rows: tuple[Mapping[str, Any], ...]
    timezone: str
    taken: int
    refused: int
    reasons: Mapping[str, int]
    partly: bool
    calendar: tuple[Mapping[str, Any], ...] = ()
    entries: int = 0


def preview_files(
    warehouse: Warehouse,
    app: App,
    paths: Sequence[Path],
    *,
    now: dt.datetime,
    source_sql: str | None = None,
    calendar_sql: str | None = None,
    players: bool = False,
) -> Preview:
    """Show what the first rows of files would become.

    Args:
        warehouse: One in memory; the rows lie in its tables afterwards.
        app: Whose events they are.
        paths: Files, or folders.
        now: When they would arrive.
        source_sql: The SELECT over raw tables, if the app has one.
        calendar_sql: That which yields the calendar.
        players: They are player records.

    Raises:
        NightquestError: A path does not exist, or the source is wrong, fails or misses a file.
    """
    files, _ = find_files(paths)
    found = tuple(columns_of(warehouse, path, app.files) for path in files)
    refused = [f"{one.file}: {one.reason}" for one in found if one.reason]
    if len(refused) == len(files):
        raise NightquestError(f"No file can be read. {refused[0]}", "docs/ingest.md says what goes in.")
    given = {"source_sql": source_sql, "calendar_sql": calendar_sql}
    told = read_ahead(warehouse, app, files, now=now, **given, players=players, limits=FEW)
    reasons = count_reasons(warehouse, "bad_rows")
    table = "incoming_players" if players else "incoming"
    return Preview(
        found,
        tuple(_first_rows(warehouse, table)),
        app.timezone,
        int(warehouse.value(f"SELECT count(*) FROM {table}")),
        sum(reasons.values()),
        reasons | {d.reason: 0 for d in told if d.state in {"refused", "ignored"}},
        any(goes_on(path, FEW) for path in files),
        tuple(warehouse.frame(_CALENDAR).to_dicts()),
        int(warehouse.value("SELECT count(*) FROM calendar_entries")),
    )


def read_ahead(
    warehouse: Warehouse,
    app: App,
    files: Sequence[Path],
    *,
    now: dt.datetime,
    source_sql: str | None,
    calendar_sql: str | None = None,
    players: bool = False,
    limits: Limits = LIMITS,
) -> list[Delivery]:
    """Read the first block of each file and lay what would go in into `incoming` and `calendar_entries`.

    Raises:
        NightquestError: The source is wrong, fails or misses a file.
    """
    source = None if source_sql is None else read_source(source_sql)
    calendar = None if players else read_calendar(calendar_sql)
    ingest = IngestRun(warehouse, app, now, players, source, "", limits, lambda _file, _bytes: None, 1, calendar)
    prepare(ingest)
    before = set[str]()
    told = [announce(ingest, path, number, before) for number, path in enumerate(files, 1)]
    read = [_read(ingest, Path(d.file), d) if d.state == "taken" else d for d in told]
    if source is not None:
        ingest, read = refuse_lacking(ingest, source, read)
        source = ingest.source
    if source is not None and (fed := [d for d in read if d.state == "taken" and d.feeds in source.tables]):
        check_delivered(warehouse, source, [f"{d.file}: {d.reason}" for d in read if d.state == "refused"])
        select_rows(ingest, source, fed[-1].delivery_id)
    if calendar is not None:
        take_calendar(ingest, calendar, history=False)
    return read


def columns_of(warehouse: Warehouse, path: Path, written: Files) -> FileColumns:
    """The columns that a file turns out to have."""
    try:
        block = next(iter(read_blocks(path, (), FEW, written=written)))
    except FileRefusedError as error:
        return FileColumns(str(path), {}, str(error))
    with warehouse.lend(_block=block.frame.head(1000)):
        relation = taken_apart(warehouse)[0] if block.is_json else "_block"
        names = [
            name for name in warehouse.frame(f"SELECT * FROM {relation} LIMIT 0").columns if name not in OWN_COLUMNS
        ]
        firsts = ", ".join(f"first(CAST({quote(n)} AS VARCHAR)) FILTER ({quote(n)} IS NOT NULL)[:60]" for n in names)
        values = warehouse.rows(f"SELECT {firsts} FROM {relation}")[0] if names else ()
    return FileColumns(str(path), {name: value or "" for name, value in zip(names, values, strict=True)})


def goes_on(path: Path, limits: Limits) -> bool:
    """Whether a file is likely to be longer than its first block; packed text is taken for an eighth of itself."""
    packed = path.suffix.lower() in {".gz", ".zst", ".parquet"}
    return path.stat().st_size * (8 if packed else 1) > limits.block_bytes


def _read(ingest: IngestRun, path: Path, delivery: Delivery) -> Delivery:
    return (read_direct if delivery.feeds == ingest.direct else read_raw)(ingest, path, delivery)


def _first_rows(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    inner = {"content", "content_hash", "raw", "delivery_id", "reason"}
    shown = [name for name in warehouse.frame(f"FROM {table} LIMIT 0").columns if name not in inner]
    frame = warehouse.frame(
        f"""SELECT * EXCLUDE (delivery_id)
            FROM (SELECT {", ".join(shown)}, delivery_id, NULL AS raw, NULL AS reason FROM {table}
                  UNION ALL BY NAME SELECT line, delivery_id, raw, reason FROM bad_rows)
            ORDER BY delivery_id, line LIMIT {ROWS_SHOWN}"""
    )
    return frame.to_dicts()
