"""What was delivered: one marker row per file taken, in the transaction of its rows, and the quarantine."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from data.warehouse import Warehouse
from pipelines.activity.reasons import told_as

State = Literal["taken", "already taken", "refused", "ignored"]
BAD_ROWS = {"delivery_id": pl.String, "line": pl.Int64, "raw": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Delivery:
    """What became of one file.

    Attributes:
        feeds: 'events', 'players', or the raw table it feeds.
        rows_taken: Events or player records appended; with a source, raw rows kept.
        rows_known: Already here.
        rows_refused: In quarantine, each with its reason.
        reason: Why the whole file was refused or ignored.
        fields: Names of the fields of a line, of delimited text.
        mends: Places in quarantine that the file's rows mend.
        columns: Its columns in order, and what each is, in words; empty of what is known as text alone.
    """

    file: str
    state: State
    feeds: str = ""
    delivery_id: str = ""
    file_hash: str = ""
    rows_read: int = 0
    rows_taken: int = 0
    rows_known: int = 0
    rows_refused: int = 0
    reason: str = ""
    fields: tuple[str, ...] = ()
    mends: tuple[tuple[str, int], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """Why rows were refused, how many, and where the first of them stands."""

    reason: str
    rows: int
    file: str
    line: int


def is_taken(warehouse: Warehouse, file_hash: str, feeds: str, version: str) -> bool:
    """Whether this very file was taken under this version of the source and of the app's events."""
    return bool(
        warehouse.value(
            "SELECT count(*) FROM deliveries WHERE file_hash = $file AND source = $feeds AND source_hash = $version",
            {"file": file_hash, "feeds": feeds, "version": version},
        )
    )


def earlier_deliveries(warehouse: Warehouse, file_hash: str, feeds: str) -> list[tuple[str, int, str]]:
    """The deliveries of this very file to a raw table: id, rows, and what the app file said of how it is written."""
    return warehouse.rows(
        """SELECT delivery_id, rows_read, coalesce(written, '') FROM deliveries
           WHERE file_hash = $file AND source = $feeds ORDER BY delivery_id""",
        {"file": file_hash, "feeds": feeds},
    )


def delivery_number(warehouse: Warehouse) -> int:
    """The highest number that a file was given; ids rise with it, so a later delivery sorts after an earlier one."""
    return int(
        warehouse.value(
            """SELECT coalesce(max(TRY_CAST(left(delivery_id, 8) AS BIGINT)), 0)
               FROM (SELECT delivery_id FROM deliveries UNION ALL SELECT delivery_id FROM quarantine)"""
        )
    )


def record_deliveries(
    warehouse: Warehouse,
    deliveries: Sequence[Delivery],
    version: str,
    now: dt.datetime,
    *,
    history: bool,
    written: str = "",
) -> None:
    """Write the marker rows of the files taken."""
    rows = [
        (d.delivery_id, d.file, d.file_hash, d.feeds, d.rows_read, d.rows_taken, d.rows_known, d.rows_refused)
        for d in deliveries
        if d.state == "taken"
    ]
    columns = [json.dumps(d.columns) if d.columns and not d.mends else None for d in deliveries if d.state == "taken"]
    names = ["delivery_id", "file", "file_hash", "source", "rows_read", "rows_taken", "rows_known", "rows_refused"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.lit(version).alias("source_hash"),
        pl.lit(written).alias("written"),
        pl.Series("columns", columns, dtype=pl.String),
        pl.lit(now).alias("taken_at"),
        pl.lit(history).alias("history"),
    )
    warehouse.append("deliveries", frame)


def quarantine_rows(warehouse: Warehouse, found: Sequence[Delivery], now: dt.datetime) -> int:
    """Put the temporary table `bad_rows` into quarantine, each row once however often a source finds it.

    Returns:
        How many are new.
    """
    schema = dict.fromkeys(("delivery_id", "file", "fields"), pl.String)
    rows = [(d.delivery_id, d.file, json.dumps(d.fields) if d.fields else None) for d in found if d.delivery_id]
    files = pl.DataFrame(rows, schema=schema, orient="row")
    with warehouse.lend(_files=files):
        return int(
            warehouse.value(
                """INSERT INTO quarantine (delivery_id, file, line, raw, reason, quarantined_at, fields)
                   SELECT b.delivery_id, coalesce(f.file, d.file, ''), b.line, b.raw, b.reason, $now, f.fields
                   FROM bad_rows AS b LEFT JOIN deliveries AS d USING (delivery_id)
                   LEFT JOIN _files AS f USING (delivery_id)
                   WHERE NOT EXISTS (FROM quarantine AS q WHERE q.delivery_id = b.delivery_id AND q.reason = b.reason
                                     AND q.line IS NOT DISTINCT FROM b.line)
                   ORDER BY b.delivery_id, b.line""",
                {"now": now},
            )
        )


def frequent_reasons(warehouse: Warehouse, now: dt.datetime) -> tuple[Reason, ...]:
    """Why the rows quarantined at a moment were refused: the ten most frequent reasons."""
    new = "quarantine WHERE quarantined_at = $now AND line IS NOT NULL"
    rows = warehouse.frame(
        f"""SELECT why, count(*) AS n, arg_min(file, (file, line)) AS file, arg_min(line, (file, line)) AS line
            FROM (FROM {new}) JOIN {told_as(new)} USING (reason) GROUP BY why ORDER BY n DESC, why LIMIT 10""",
        {"now": now},
    )
    return tuple(Reason(*row) for row in rows.iter_rows())


def quarantine_files(warehouse: Warehouse, deliveries: Sequence[Delivery], now: dt.datetime) -> None:
    """Note the files refused whole, with an empty line; the same file refused again for the same reason stands once."""
    rows = [(d.delivery_id, d.file, d.reason) for d in deliveries if d.state == "refused"]
    refused = pl.DataFrame(rows, schema=dict.fromkeys(("delivery_id", "file", "reason"), pl.String), orient="row")
    with warehouse.lend(_refused=refused):
        warehouse.run(
            """INSERT INTO quarantine (delivery_id, file, line, raw, reason, quarantined_at)
               SELECT delivery_id, file, NULL, NULL, reason, $now FROM _refused AS r
               WHERE NOT EXISTS (FROM quarantine AS q WHERE q.file = r.file AND q.reason = r.reason AND q.line IS NULL
                                 AND split_part(q.delivery_id, '-', 2) = split_part(r.delivery_id, '-', 2))""",
            {"now": now},
        )
