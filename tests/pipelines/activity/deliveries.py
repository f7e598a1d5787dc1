"""Deliveries for tests: files written to a folder and taken in."""

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.deliveries import Delivery
from pipelines.activity.ingest import IngestResult, ingest_files
from tests.factories import APP, make_app

NOW = dt.datetime(2024, 6, 1, 6, tzinfo=dt.UTC)
AT = "2024-05-01T10:00:00Z"
COLUMNS = ("event_id", "user_id", "event", "occurred_at", "sequence", "value", "properties")
# The toy app with few metrics, so that a test of what goes in waits for little else.
LEAN = make_app(
    metrics={name: metric for name, metric in APP["metrics"].items() if name in {"solved", "points", "famous"}},
    challenges={"metrics": ["solved", "points"]},
)
PARTS = ("player_days", "player_day_keys", "active_days", "derived_events")


def solve(user: str = "ann", at: str = AT, **fields: Any) -> dict[str, Any]:
    """A delivered row of the toy app; what is neither a column nor a property does not belong."""
    columns = {name: fields.pop(name) for name in COLUMNS if name in fields}
    row = {"user_id": user, "event": "solve", "occurred_at": at, **columns}
    return {**row, "properties": fields} if fields else row


def as_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",", columns: Sequence[str] = ()) -> str:
    """Rows as delimited text with a header; objects become JSON."""
    names = list(columns) or [name for name in COLUMNS if any(name in row for row in rows)]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(names)
    for row in rows:
        cells = [row.get(name) for name in names]
        writer.writerow([json.dumps(cell) if isinstance(cell, dict) else cell for cell in cells])
    return stream.getvalue()


def as_jsonl(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one JSON object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Write files below a folder, in the order given."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(path)
    return paths


def deliver(
    warehouse: Warehouse,
    app: App,
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    now: dt.datetime = NOW,
    history: bool = False,
    **options: Any,
) -> IngestResult:
    """Write files and take them in."""
    return ingest_files(warehouse, app, write(folder, files), now=now, history=history, **options)


def only(result: IngestResult) -> Delivery:
    """What became of the one file delivered."""
    (delivery,) = result.deliveries
    return delivery


def quarantine(warehouse: Warehouse) -> list[tuple[str, int | None, str | None, str]]:
    """File name, line, raw row and reason of everything refused, in order."""
    rows = warehouse.frame("SELECT file, line, raw, reason FROM quarantine ORDER BY file, line, reason").rows()
    return [(Path(file).name, line, raw, reason) for file, line, raw, reason in rows]


def users(warehouse: Warehouse) -> list[str]:
    """The user of each event taken, in order of time."""
    order = "SELECT user_id FROM events JOIN players USING (player_key) ORDER BY occurred_at, user_id"
    return warehouse.frame(order)["user_id"].to_list()


def parts_of(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The player-day parts by user, so that warehouses with other player keys compare."""
    return {
        table: warehouse.frame(
            f"SELECT user_id, t.* EXCLUDE (player_key) FROM {table} t JOIN players USING (player_key) ORDER BY ALL"
        ).rows()
        for table in PARTS
    }


def events_of(warehouse: Warehouse) -> pl.DataFrame:
    """The events by user, without what depends on the delivery."""
    return warehouse.frame(
        """SELECT user_id, e.* EXCLUDE (player_key, delivery_id, available_at)
           FROM events e JOIN players USING (player_key) ORDER BY user_id, event_id"""
    )
