"""Rows for tests: a small app and events put straight into a warehouse."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from configs.app import App
from data.warehouse import Warehouse, scratch
from pipelines.activity.parts import refresh_parts, sync_metrics
from pipelines.activity.retract import take_back
from pipelines.known import Known
from pipelines.pins import Night

FAR_DAY, FAR = dt.date(2099, 1, 1), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
START = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)

APP: dict[str, Any] = {
    "app": "toy",
    "title": "Toy",
    "events": {
        "solve": {"properties": {"points": {"type": "number", "min": 0}, "topic": "text"}},
        "liked": {"active": False, "properties": {"delta": "number", "post_id": "text"}},
    },
    "metrics": {
        "solved": {"event": "solve", "label": "puzzles solved", "unit": "puzzle", "task": "Solve {goal}"},
        "points": {"event": "solve", "agg": "sum", "of": "points", "unit": "point", "task": "Collect {goal}"},
        "best": {"event": "solve", "agg": "max", "of": "points", "task": "Score {goal} at once"},
        "topics": {"event": "solve", "agg": "distinct", "of": "topic", "unit": "topic", "task": "Visit {goal}"},
        "days": {"agg": "days", "unit": "day", "task": "Come back on {goal}"},
        "streak": {"agg": "streak", "unit": "day"},
        "average": {"event": "solve", "agg": "mean", "of": "points"},
        "famous": {"event": "liked", "agg": "entity", "of": "delta", "per": "post_id", "reaches": 2, "unit": "post"},
    },
    "segments": {"features": ["solved", "points"], "score": "points"},
    "challenges": {"metrics": ["solved", "points", "topics", "days"]},
    "voice": {"theme": "puzzles"},
}


def make_app(**changes: Any) -> App:
    """The toy app, with top-level sections replaced."""
    return App.model_validate({**APP, **changes})


def event(
    player: int,
    at: dt.datetime | int,
    name: str = "solve",
    *,
    available_at: dt.datetime | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """One event row; `at` is a moment or days (may be fractional) after START."""
    moment = at if isinstance(at, dt.datetime) else START + dt.timedelta(days=at)
    value = properties.pop("value", None)
    return {
        "player_key": player,
        "event": name,
        "active": name != "liked",
        "occurred_at": moment,
        "sequence": properties.pop("sequence", 0),
        "value": value,
        "properties": json.dumps(properties),
        "day": moment.date(),
        "local_hour": moment.hour,
        "available_at": available_at or moment,
        "delivery_id": "test",
        "content_hash": 0,
    }


def add_events(warehouse: Warehouse, app: App, rows: Sequence[dict[str, Any]]) -> None:
    """Append events as ingest would, with the parts they touch."""
    known = sum(int(warehouse.value(f"SELECT count(*) FROM {t}")) for t in ("events", "retracted_events"))
    frame = pl.DataFrame([{"event_id": f"e{known + i:06d}", **row} for i, row in enumerate(rows)])
    keys = frame.select("player_key").unique()
    players = keys.select("player_key", pl.format("user{}", "player_key").alias("user_id"))
    with warehouse.transaction():
        warehouse.append("players", players, on_conflict_skip=True)
        warehouse.run("UPDATE players SET bucket = player_bucket(player_key) WHERE bucket IS NULL")
        warehouse.append("events", frame)
        refresh_parts(warehouse, app, frame.select("player_key", "day").unique())


def take_back_events(
    warehouse: Warehouse, app: App, ids: Sequence[str], at: dt.datetime, now: dt.datetime | None = None
) -> None:
    """Take events back as ingest would, here or to come, known from a moment on; `now` is when it runs."""
    schema = {"retraction_id": pl.String, "event_id": pl.String}
    said = pl.DataFrame([(f"of {one}", one) for one in ids], schema=schema, orient="row")
    given = said.with_columns(occurred_at=at, available_at=at, delivery_id=pl.lit("test"), content_hash=0)
    with warehouse.transaction():
        warehouse.append("retractions", given)
        with warehouse.lend(new_retractions=given, landed=warehouse.frame("SELECT event_id FROM events")):
            gone = take_back(warehouse, now or at)
        refresh_parts(warehouse, app, gone.unique())


def put_zone(warehouse: Warehouse, player: int, zone: str) -> None:
    """Say where a player lives, known from START on."""
    row = {"player_key": player, "timezone": zone, "recorded_at": START, "available_at": START}
    warehouse.append("player_records", pl.DataFrame([row]))


@contextmanager
def warehouse_with(app: App, rows: Sequence[dict[str, Any]] = ()) -> Iterator[Warehouse]:
    """A warehouse in memory holding these events."""
    with scratch() as warehouse:
        sync_metrics(warehouse, app)
        if rows:
            add_events(warehouse, app, rows)
        yield warehouse


def known_at(warehouse: Warehouse, app: App, as_of: dt.date = FAR_DAY, cut: dt.datetime = FAR) -> Known:
    """What a night that is pinned nowhere sees; without a day and a cut, everything."""
    pins = {"seed": 0, "started_at": cut, "code_version": "", "app_hash": "", "watermark": 0}
    return Known(warehouse, Night(app, as_of, 1, cut, as_of, **pins))
