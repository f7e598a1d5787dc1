"""Apps with badges, their nights, and what these award."""

import datetime as dt
from typing import Any

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.badges.rules.award import Cite, cite_awards, find_awards, write_awards
from pipelines.known import Known
from pipelines.pins import Night, pin_night
from tests.factories import START, known_at, make_app, warehouse_with

DAY = START.date()


def app_with(**rules: str) -> App:
    badges = {
        name: {"title": name.title(), "tier": "bronze", "category": "test", "when": when}
        for name, when in rules.items()
    }
    return make_app(badges=badges)


def pin(warehouse: Warehouse, app: App, days: int, app_hash: str = "hash") -> Night:
    """A night that serves the day `days` after the first, pinned at that day's start."""
    as_of = DAY + dt.timedelta(days=days)
    now = dt.datetime.combine(as_of, dt.time(), dt.UTC)
    return pin_night(warehouse, app, app_hash, as_of, now, "code")


def publish(warehouse: Warehouse, night: Night) -> None:
    warehouse.run("UPDATE nights SET status = 'published' WHERE as_of = $d", {"d": night.as_of})


def cite(app: App, awards: pl.DataFrame) -> pl.DataFrame:
    return awards.select("award_id", pl.format("{} did it", "badge_id").alias("citation"))


def app_of(**badges: dict[str, Any]) -> App:
    plain = {"tier": "bronze", "category": "test"}
    return make_app(badges={name: {"title": name, **plain, **badge} for name, badge in badges.items()})


def earned(app: App, rows: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """badge, round and the event, counted from 0, of every award."""
    with warehouse_with(app, rows) as warehouse:
        found = find_awards(known_at(warehouse, app))
    told = found.select("badge_id", "round_no", pl.col("event_id").str.slice(1).cast(pl.Int64))
    return sorted(told.iter_rows(), key=lambda row: (row[2], row[0], row[1]))


def award_badges(known: Known, cite: Cite) -> pl.DataFrame:
    """Award, as a night does, what was earned since the last one; the rows of the ledger that are the night's."""
    write_awards(known, cite_awards(known, find_awards(known), cite))
    return known.frame("SELECT * FROM badge_ledger WHERE as_of = $d ORDER BY granted_at, award_id", {"d": known.as_of})
