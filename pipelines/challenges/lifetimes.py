"""What each metric has come to in players' whole lives: what achievements are about."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from configs.app import App
from pipelines.known import Known

PACE_DAYS = 28
FEWEST_PACE_DAYS = 7
AT_ONCE = 20_000  # players whose days are added up together: beyond them memory does not grow


def lifetime_metrics(app: App) -> list[str]:
    """The metrics that an achievement may be about: those of challenges that add up."""
    return [name for name in app.challenges.metrics if app.metrics[name].aggregation.adds_up]


def lifetime_values(known: Known, players: pl.DataFrame, metrics: Sequence[str] | None = None) -> pl.DataFrame:
    """What each metric has come to in these players' lives; reads the known_* views.

    A night asks of much the same players when it settles, plans and publishes: each is looked up once.

    Args:
        known: What the night may see.
        players: player_key.
        metrics: That add up; those of achievements when left out.

    Returns:
        player_key, metric, value, gain (of the last 28 days) and pace (a day, over 28 days or since the player's first
        day, at least 7); a row for each metric with any of it, by player and metric.
    """
    names = tuple(lifetime_metrics(known.app) if metrics is None else metrics)
    who = players.select("player_key").unique()
    told = known.once(f"lives: {names}", lambda: _Told(who, _lives(known, who, names)))
    new = who.join(told.players, on="player_key", how="anti")
    if not new.is_empty():
        told.add(new, _lives(known, new, names))
    if who.height == told.players.height:
        return told.rows  # which a copy would double
    return told.rows.join(who, on="player_key", how="semi", maintain_order="left")


@dataclass
class _Told:
    """The players whom a night has looked up, and their lives by player and metric."""

    players: pl.DataFrame
    rows: pl.DataFrame

    def add(self, players: pl.DataFrame, rows: pl.DataFrame) -> None:
        """Some more of them."""
        self.players = pl.concat([self.players, players])
        self.rows = pl.concat([self.rows, rows]).sort("player_key", "metric")


def _lives(known: Known, who: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """By player and metric, as the players of the parts follow one another."""
    parts = []
    for some in who.sort("player_key").iter_slices(AT_ONCE) if who.height else [who]:
        parts.append(_some_lives(known, some, metrics))
        known.warehouse.ease()  # what follows takes memory, too
    return pl.concat(parts)


def _some_lives(known: Known, who: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    asked = pl.DataFrame({"metric": metrics}, schema={"metric": pl.String})
    params = {
        "as_of": known.as_of,
        "since": known.as_of - dt.timedelta(days=PACE_DAYS),
        "fewest": FEWEST_PACE_DAYS,
    }
    with known.lend(who=who, asked=asked):
        rows = known.frame(known.fixed("challenges/lifetime_values"), params)
    return rows.with_columns(pace=pl.col("gain") / pl.col("pace_days")).drop("pace_days")
