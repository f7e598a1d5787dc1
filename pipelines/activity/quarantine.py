"""The quarantine as a place: what lies there and why, rows written out to be mended, and those that came back.

A row to mend carries in `_quarantined` where it lies. When a file of such rows is taken, each takes the place of the
one that it mends: that one leaves quarantine, and the raw table that it came from.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl

from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.activity.normalise import PLACE, REASON, TEXT, text
from pipelines.activity.read_csv import DELIMITERS
from pipelines.activity.reasons import told_as

_START = 1 << 16


@dataclass(frozen=True)
class Held:
    """Why rows lie in quarantine: how many, since when, and some of them."""

    reason: str
    rows: int
    since: str
    samples: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Quarantine:
    """What lies in quarantine.

    Attributes:
        rows: Rows of all reasons.
        held: Why, the most frequent reason first.
        files: Files that were refused as a whole, each with its reason.
        exported: Rows written out to be mended, by file.
        kept_back: Rows that cannot be written out, because only their beginning is known.
        of_players: Those of the files whose rows tell of players.
        history: Whether all rows came with `--history`, so that the mended ones should, too.
    """

    app: str
    rows: int
    held: tuple[Held, ...]
    files: Mapping[str, str]
    exported: Mapping[str, int]
    kept_back: int = 0
    of_players: tuple[str, ...] = ()
    history: bool = False


def read_quarantine(warehouse: Warehouse, app: str, reason: str, samples: int) -> Quarantine:
    """What lies in quarantine, of reasons with a text in them."""
    like = {"like": _like(reason)}
    held = "quarantine WHERE line IS NOT NULL AND reason ILIKE $like"
    told = f"(FROM {held}) JOIN {told_as(held)} USING (reason)"
    reasons = warehouse.rows(
        f"""SELECT why, count(*) AS n, CAST(min(quarantined_at) AS DATE)::VARCHAR FROM {told}
            GROUP BY why ORDER BY n DESC, why""",
        like,
    )
    rows = warehouse.frame(
        f"""SELECT why AS reason, file, line, raw FROM {told}
            QUALIFY row_number() OVER (PARTITION BY why ORDER BY delivery_id, line) <= $samples
            ORDER BY why, delivery_id, line""",
        like | {"samples": samples},
    ).to_dicts()
    by_reason = (Held(why, n, since, tuple(row for row in rows if row["reason"] == why)) for why, n, since in reasons)
    files = warehouse.rows(
        """SELECT file, max(reason) FROM quarantine WHERE line IS NULL AND reason ILIKE $like
           GROUP BY file ORDER BY file""",
        like,
    )
    history = warehouse.value(
        """SELECT coalesce(bool_and(coalesce(d.history, false)), false) FROM quarantine q
           LEFT JOIN deliveries d USING (delivery_id) WHERE q.line IS NOT NULL AND q.reason ILIKE $like""",
        like,
    )
    return Quarantine(app, sum(n for _, n, _ in reasons), tuple(by_reason), dict(files), {}, history=bool(history))


def export_rows(warehouse: Warehouse, file: Path, reason: str) -> tuple[dict[str, int], int, tuple[str, ...]]:
    """Write quarantined rows as JSON lines to be mended; those of several tables into a file each.

    Returns:
        Rows by file, how many were left because only their first characters are known, and which files tell of players.

    Raises:
        NightquestError: A file is there already, or cannot be written.
    """
    counts: dict[str, int] = {}
    kept_back = 0
    with ExitStack() as stack:
        parts: dict[str, IO[str]] = {}
        for place, line, why, raw, fields, fed, read in _rows(warehouse, reason):
            row = _fields_of(raw, json.loads(fields) if fields else [])
            if row is None:
                kept_back += 1
                continue
            own = "occurred_at" in row or "recorded_at" in row
            feed = fed if fed and (read or not own) else "players" if "recorded_at" in row else "events"
            if feed not in parts:
                parts[feed] = stack.enter_context(_part(file, feed))
            told = json.dumps({PLACE: f"{place}:{line}", REASON: why, **row}, ensure_ascii=False)
            parts[feed].write(told + "\n")
            counts[feed] = counts.get(feed, 0) + 1
        paths = _paths(file, list(parts))
        for feed, part in parts.items():
            part.close()
            Path(part.name).replace(paths[feed])
    of_players = (str(paths[feed]) for feed in counts if feed == "players")
    return {str(paths[feed]): count for feed, count in counts.items()}, kept_back, tuple(of_players)


def _rows(warehouse: Warehouse, reason: str) -> Iterator[tuple[Any, ...]]:
    """Place, line, reason, raw text, field names, what the delivery fed, and whether the row lies in a raw table."""
    known = warehouse.frame("SELECT * FROM quarantine LIMIT 0").columns
    fields = "q.fields" if "fields" in known else "NULL"
    lies = " ".join(
        f"WHEN {text(table)} THEN EXISTS (FROM {table} AS r WHERE r._delivery_id = q.delivery_id AND r._row = q.line)"
        for table in _raw_tables(warehouse)
    )
    return warehouse.each(
        f"""SELECT q.delivery_id, q.line, q.reason, q.raw, {fields} AS fields, d.source,
                   {f"CASE d.source {lies} ELSE false END" if lies else "false"} AS lies
            FROM quarantine AS q LEFT JOIN deliveries AS d USING (delivery_id)
            WHERE q.line IS NOT NULL AND q.reason ILIKE $like ORDER BY q.delivery_id, q.line, q.reason""",
        {"like": _like(reason)},
    )


def _like(reason: str) -> str:
    """The pattern of reasons with a text in them, which may be one that was told with … for its values."""
    return f"%{reason.replace('…', '%')}%"


def _raw_tables(warehouse: Warehouse) -> list[str]:
    mine = "database_name = current_database() AND starts_with(table_name, 'raw_')"
    names = warehouse.rows(f"SELECT table_name FROM duckdb_tables() WHERE {mine}")
    return [str(name) for (name,) in names]


def _lying_in(warehouse: Warehouse, table: str) -> set[tuple[str, int]]:
    """Delivery and row of what lies in quarantine and in a raw table, too."""
    return set(
        warehouse.rows(
            f"SELECT q.delivery_id, q.line FROM quarantine AS q "
            f"SEMI JOIN {table} AS r ON r._delivery_id = q.delivery_id AND r._row = q.line"
        )
    )


def _fields_of(raw: str | None, names: Sequence[str]) -> dict[str, Any] | None:
    """A row's fields; of a broken line as many as can be told apart, and its text; None where its end was not kept."""
    text = raw or ""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return {name: value for name, value in document.items() if value is not None}
    if len(text) >= 4096:
        return None
    if not names:
        return {TEXT: text}
    parted = [next(csv.reader([text], delimiter=sign), []) for sign in DELIMITERS]
    best = min(parted, key=lambda fields: abs(len(fields) - len(names)))
    row = {name: value for name, value in zip(names, best, strict=False) if value != ""}
    return row if len(best) == len(names) else {TEXT: text, **row}


def _paths(file: Path, feeds: Sequence[str]) -> dict[str, Path]:
    """Where the rows of each feed go.

    Raises:
        NightquestError: A file is there already.
    """
    paths = {
        feed: file if len(feeds) == 1 else file.with_name(f"{file.stem}-{feed.removeprefix('raw_')}{file.suffix}")
        for feed in feeds
    }
    for path in paths.values():
        if path.exists():
            raise NightquestError(f"{path} is there already and stays as it is.", "Name another file.")
    return paths


@contextmanager
def _part(file: Path, feed: str) -> Iterator[IO[str]]:
    """A hidden file beside, gone in the end unless it was renamed.

    Raises:
        NightquestError: What is done with it fails.
    """
    path = file.with_name(f".{file.name}.{feed}.part")
    try:
        with path.open("w", encoding="utf-8") as part:
            yield part
    except OSError as error:
        raise NightquestError(f"Cannot write {file}: {error.strerror}.", "Name a file that you may write.") from error
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def places_in(path: Path) -> list[tuple[str, int]]:
    """Where the rows of a file of mended rows lie in quarantine; empty for any other file."""
    with path.open("rb") as stream:
        if f'"{PLACE}"'.encode() not in stream.read(_START):
            return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            place = json.loads(line).get(PLACE)
        except (ValueError, AttributeError):
            continue  # a broken line is told by whoever reads it as a row
        delivery, _, row = str(place or "").rpartition(":")
        if delivery and row.isdigit():
            found.append((delivery, int(row)))
    return found


def feed_of(warehouse: Warehouse, places: Sequence[tuple[str, int]], direct: str) -> str | None:
    """What mended rows feed: the raw table that they come from, else what files with the contract's columns do."""
    if not places:
        return None
    delivery_id, line = places[0]
    fed = warehouse.value(
        "SELECT coalesce((SELECT any_value(source) FROM deliveries WHERE delivery_id = $id), $direct)",
        {"id": delivery_id, "direct": direct},
    )
    held = warehouse.value(
        "SELECT any_value(raw) FROM quarantine WHERE delivery_id = $id AND line = $line",
        {"id": delivery_id, "line": line},
    )
    lies = fed in _raw_tables(warehouse) and (delivery_id, line) in _lying_in(warehouse, str(fed))
    return direct if not lies and '"occurred_at"' in str(held or "") else str(fed)


def retire_rows(warehouse: Warehouse, places: Sequence[tuple[str, int]]) -> int:
    """Take rows whose mended ones are on their way out of quarantine and of the raw tables that they came from.

    Returns:
        How many entries left quarantine.
    """
    if not places:
        return 0
    frame = pl.DataFrame(places, schema={"delivery_id": pl.String, "line": pl.Int64}, orient="row")
    with warehouse.lend(_places=frame):
        tables = warehouse.rows("SELECT DISTINCT source FROM deliveries JOIN _places USING (delivery_id)")
        for table in {str(table) for (table,) in tables} & {*_raw_tables(warehouse)}:
            warehouse.run(
                f"DELETE FROM {table} WHERE (_delivery_id, _row) IN (SELECT (delivery_id, line) FROM _places)"
            )
        mine = "(delivery_id, line) IN (SELECT (delivery_id, line) FROM _places)"
        n = int(warehouse.value(f"SELECT count(*) FROM quarantine WHERE {mine}"))
        warehouse.run(f"DELETE FROM quarantine WHERE {mine}")
    return n


def retire_read_again(warehouse: Warehouse, file: Path, feeds: str, delivery_id: str) -> None:
    """Take out of quarantine rows that never reached the raw table of a file which has been read anew as a whole.

    Args:
        warehouse: The app's.
        file: The file, by the end of its path.
        feeds: Its raw table.
        delivery_id: Of the time that it was read now; its own rows stay.
    """
    if feeds not in _raw_tables(warehouse):
        return
    warehouse.run(
        f"""DELETE FROM quarantine AS q WHERE q.line IS NOT NULL AND q.delivery_id <> $now AND ends_with(q.file, $file)
            AND NOT EXISTS (FROM {feeds} AS r WHERE r._delivery_id = q.delivery_id AND r._row = q.line)""",
        {"now": delivery_id, "file": str(file)},
    )


def retire_settled(warehouse: Warehouse, taken: Sequence[tuple[str, str, str]], judged: Sequence[str]) -> None:
    """Take out of quarantine what is no longer refused: files taken after all, and rows that were judged anew.

    Args:
        warehouse: With the temporary table `bad_rows` of this run.
        taken: File, delivery id and hash of each file that was read.
        judged: Raw tables of which every row was judged in this run.
    """
    schema = dict.fromkeys(("file", "delivery_id", "hash"), pl.String)
    with warehouse.lend(_taken=pl.DataFrame(taken, schema=schema, orient="row")):
        warehouse.run(
            """DELETE FROM quarantine AS q WHERE EXISTS (
                   FROM _taken AS t WHERE (q.line IS NULL AND q.file = t.file)
                   OR (q.line IS NOT NULL AND t.delivery_id <> q.delivery_id
                       AND split_part(q.delivery_id, '-', 2) = left(t.hash, 12)))"""
        )
    for table in set(judged) & {*_raw_tables(warehouse)}:
        warehouse.run(
            f"""DELETE FROM quarantine AS q WHERE q.line IS NOT NULL
                AND EXISTS (FROM {table} AS r WHERE r._delivery_id = q.delivery_id AND r._row = q.line)
                AND NOT EXISTS (FROM bad_rows AS b WHERE b.delivery_id = q.delivery_id AND b.line = q.line
                                AND b.reason = q.reason)"""
        )
