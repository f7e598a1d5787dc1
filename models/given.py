"""What a learned question is asked with: what training may see, past days and what followed, tonight's players."""

import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from configs.app import App

SNAPSHOT = ("player_key", "base_day")


class Known(Protocol):
    """What training may see at a night: SQL over the known_* views, which end where it knows nothing more."""

    @property
    def app(self) -> App:
        """The app."""

    @property
    def base_day(self) -> dt.date:
        """Features rest on days before this one."""

    def frame(self, sql: str, params: object = None) -> pl.DataFrame:
        """The rows of a query."""

    def fixed(self, name: str) -> str:
        """The text of `data/sql/<name>.sql`."""

    def over(self, spans: pl.DataFrame) -> pl.DataFrame:
        """Those of the spans (player_key, start_day, end_day, …) that were over and known in whole."""

    def came_to(self, windows: pl.DataFrame) -> pl.DataFrame:
        """window_id, value, played of windows (window_id, player_key, metric, start_day, end_day)."""

    def badges_earned(self) -> pl.DataFrame:
        """player_key, badge_id, earned_day: when each badge's rule first held."""

    def badges_on(self, snapshots: pl.DataFrame) -> pl.DataFrame:
        """player_key, base_day, badge_id, progress, eta_days: how far each of these players was then, if active."""

    def lend(self, **frames: pl.DataFrame) -> AbstractContextManager[None]:
        """Let SQL read frames by name for a while."""


@dataclass(frozen=True)
class Samples:
    """Snapshots of past days, as nights of those days would have seen them, and what followed.

    Attributes:
        features: One row per (player_key, base_day), with `calendar` and app-wide columns.
        past: player_key, base_day, window_days, metric, value, weight: own past windows with play.
        labels: player_key, base_day, lead_days, window_days, metric, value, played; of a task with `labels` of its own
            what that gives.
        days: player_key, base_day, day_1, day_2, …: how often each acted on the day before, on the one before that, and
            so on, where a task `asks_of_days`.
    """

    features: pl.DataFrame
    past: pl.DataFrame
    labels: pl.DataFrame
    days: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class Asked:
    """A night's players whom the app may address.

    Attributes:
        features: One row per player at the night's base day, see `Samples.features`.
        past: Their own past windows, see `Samples.past`, where a task `asks_of_past`.
        windows: player_key, base_day, start_day, lead_days, window_days, end_day, metric: what is open to each.
        chances: player_key, base_day, window_days, p_plays: how likely each is to play, which planning asks first.
        badges: player_key, badge_id, progress, eta_days of badges not held, where a task `asks_of_badges`.
        days: See `Samples.days`.
    """

    features: pl.DataFrame
    past: pl.DataFrame
    windows: pl.DataFrame
    chances: pl.DataFrame
    badges: pl.DataFrame = field(default_factory=pl.DataFrame)
    days: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class Change:
    """What a player might have done otherwise, as other values of what is known of them; see models/explain/changes.py.

    Attributes:
        way: What kind of change it is; of each kind the smallest that matters is told.
        effort: How large it is among those of its kind, which are given in this order.
        text: What would have been: "they had played on each of the last 2 days".
        features: Other values of columns of `Asked.features`.
        badges: Other values of columns of `Asked.badges`.
        possible: Where there is such a change, from the columns of both.
    """

    way: str
    effort: float
    text: pl.Expr
    features: Mapping[str, pl.Expr] = field(default_factory=dict)
    badges: Mapping[str, pl.Expr] = field(default_factory=dict)
    possible: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
