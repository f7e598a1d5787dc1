"""Made-up players who farm: each does one kind of thing over and over within a day, and the app's own rules judge them.

What they earn, and after how many events, tells which badges are had by a busy hour. Every number is as good as the app
file lets it be (or, of a second player, as low), and text is always new (or, of a third, what conditions ask for).
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from sqlglot import exp

from configs.app import App
from configs.expressions import parse_condition
from configs.metrics import Property
from data.warehouse import scratch
from pipelines.activity.parts import refresh_parts, sync_metrics
from pipelines.badges.rules.award import find_awards
from pipelines.known import Known
from pipelines.pins import Night

STEPS = 60
_MANY = 1000.0  # stands for as much as one likes
_DAY = dt.date(2024, 5, 15)
_EVER = dt.date(2100, 1, 1)
_WAYS: tuple[Literal["best", "lowest", "asked"], ...] = ("best", "lowest", "asked")


@dataclass(frozen=True)
class Farmed:
    """The cheapest way that any of them found: events for each award, and of which kinds."""

    events: float
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class _Player:
    kinds: tuple[str, ...]
    way: Literal["best", "lowest", "asked"]
    day: dt.date


def farm(app: App) -> dict[str, Farmed]:
    """What each badge by rule costs those who farm it within one day; badges that none of them earned are not in it."""
    players = list(_players(app))
    rows = [row for key, player in enumerate(players, 1) for row in _events(app, key, player)]
    if not rows or not app.badges:
        return {}
    frame = pl.DataFrame(rows, schema_overrides={"value": pl.Float64}, infer_schema_length=None)
    with scratch() as warehouse:
        sync_metrics(warehouse, app)
        ids = frame.select("player_key").unique().with_columns(user_id=pl.col("player_key").cast(pl.String))
        warehouse.append("players", ids)
        warehouse.append("events", frame)
        refresh_parts(warehouse, app, frame.select("player_key", "day").unique())
        cut = dt.datetime.combine(_EVER, dt.time(), dt.UTC)
        night = Night(app, _EVER, 0, cut, _EVER, seed=0, started_at=cut, code_version="", app_hash="", watermark=0)
        awards = find_awards(Known(warehouse, night), from_scratch=True)
    steps = awards.join(frame.select("event_id", "sequence"), on="event_id").group_by("badge_id", "player_key")
    costs = steps.agg(cost=pl.col("sequence").max() / pl.len()).sort("cost", "player_key")
    cheapest = costs.unique("badge_id", keep="first", maintain_order=True)
    return {name: Farmed(cost, players[key - 1].kinds) for name, key, cost in cheapest.iter_rows()}


def _players(app: App) -> Iterator[_Player]:
    days = [_DAY, *(badge.season.on for badge in app.badges.values() if badge.season)]
    kinds = app.active_events
    for day in dict.fromkeys(days):
        for way in _WAYS:
            yield from (_Player((kind,), way, day) for kind in kinds if way != "asked" or _asked_of(app, kind))
            if len(kinds) > 1:
                yield _Player(kinds, way, day)


def _events(app: App, key: int, player: _Player) -> Iterator[dict[str, Any]]:
    noon = dt.datetime.combine(player.day, dt.time(12), dt.UTC)
    for step in range(1, STEPS + 1):
        kind = player.kinds[step % len(player.kinds)]
        declared, moment = app.events[kind], noon + dt.timedelta(minutes=step)
        asked = _asked_of(app, kind) if player.way == "asked" else {}
        said = {name: _value(one, asked.get(name), player, step) for name, one in declared.properties.items()}
        number = _value(declared.value or Property(type="number"), asked.get("value"), player, step)
        yield {
            "event_id": f"{key}-{step}",
            "player_key": key,
            "event": kind,
            "active": True,
            "occurred_at": moment,
            "sequence": step,
            "value": number,
            "properties": json.dumps(said),
            "day": player.day,
            "local_hour": moment.hour,
            "available_at": moment,
            "delivery_id": "farm",
            "content_hash": 0,
        }


def _value(declared: Property, asked: str | None, player: _Player, step: int) -> Any:
    if declared.type == "boolean":
        return player.way != "lowest"
    if declared.type in {"number", "integer"}:
        best = declared.max if declared.max is not None else _MANY
        worst = declared.min if declared.min is not None else 0.0
        number = worst if player.way == "lowest" else best
        return int(number) if declared.type == "integer" else number
    return asked or f"{step}"


def _asked_of(app: App, kind: str) -> dict[str, str]:
    """Text that a condition asks for, by property of an event."""
    asked: dict[str, str] = {}
    columns = {"value", *app.events[kind].properties}
    for metric in app.metrics.values():
        if metric.where and kind in (metric.events or app.active_events):
            for node in parse_condition(metric.where, columns).find_all(exp.EQ):
                if isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Literal):
                    asked.setdefault(node.this.name, str(node.expression.this))
    return asked
