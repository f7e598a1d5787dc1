"""Players as they stood on some days: who was active, what they had done, and what their own past windows came to."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import polars as pl

from pipelines.engines.buckets import HERE, Buckets
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.calendar import near_calendar
from pipelines.players.facts import has_ended, player_facts
from pipelines.players.features import AT_ONCE, compute_features, first_day
from pipelines.players.partitions import Partitions, Reading, lay_out

_ACTIVE = ("active_days_1", "active_days_3", "active_days_7", "active_days_28")


class PastWindows(Reading):
    """Own past windows of snapshots (see `past_values`), a hundred rows a player and more: read when asked for.

    Args:
        known: What the night may see.
        snapshots: player_key and base_day.
        rows: All of them, where they were read already.
        partitions: Where workers read them.
        days: Only those of this length; None is of every length that challenges have.
    """

    def __init__(
        self,
        known: Known,
        snapshots: pl.DataFrame,
        rows: pl.DataFrame | None = None,
        partitions: Partitions | None = None,
        days: int | None = None,
    ) -> None:
        super().__init__(known, snapshots, partial(past_values, days=days), partitions)
        self._rows = rows

    def __getstate__(self) -> dict[str, object]:
        """With the rows, for a process that has no warehouse open."""
        return {**self.__dict__, "_known": None, "_partitions": None, "_rows": self.whole()}

    def of(self, players: pl.Series) -> pl.DataFrame:
        """Those of some players."""
        if self._rows is not None:
            return self._rows.filter(pl.col("player_key").is_in(players.implode()))
        return super().of(players)

    def whole(self) -> pl.DataFrame:
        """Those of all."""
        return self._reads(self._known, self._snapshots) if self._rows is None else self._rows

    def of_length(self, days: int) -> Self:
        """Those of windows of so many days alone: the rest need not be read."""
        rows = None if self._rows is None else self._rows.filter(pl.col("window_days") == days)
        return type(self)(self._known, self._snapshots, rows, self._partitions, days)


@dataclass(frozen=True)
class Seen:
    """What is known of snapshots: their features (see `describe`) and own past windows."""

    features: Frame
    past: PastWindows


def look_at(known: Known, *parts: pl.DataFrame, buckets: Buckets = HERE) -> list[Seen]:
    """Look at several sets of snapshots in one go: to plan the queries takes longer than to answer a few more rows.

    Only where there are many rows, or workers read for themselves, do past windows wait until they are asked for.

    Args:
        known: What the night may see.
        parts: player_key and base_day; no day is in two of them. The first may be many: where there are several
            buckets, their features lie on the disk.
        buckets: Where features are computed, if what is known can be laid out for that.
    """
    every = pl.concat(part.select("player_key", "base_day") for part in parts)
    partitions = lay_out(known, every, buckets)
    features = _described(known, parts, every, partitions, buckets)
    past = past_values(known, every) if partitions is None and every.height <= AT_ONCE else None
    known.warehouse.ease()  # what follows takes memory, too
    seen = list[Seen]()
    for part, mine in zip(parts, features, strict=True):
        read = None if past is None else past.filter(_of_days(part))
        seen.append(Seen(mine, PastWindows(known, part, read, partitions)))
    return seen


def _described(
    known: Known, parts: Sequence[pl.DataFrame], every: pl.DataFrame, partitions: Partitions | None, buckets: Buckets
) -> list[Frame]:
    """The features of each part; where there are several buckets those of the first lie on the disk."""
    if partitions is None:
        many, *few = parts
        laid = buckets.work_out(lambda some: _beside_others(known, compute_features(known, some)), many)
        if laid is not None:
            lively = laid.select("base_day", *_ACTIVE)
            rest = _described(known, few, pl.concat(few), None, HERE) if few else []
            return [laid.beside(_as_lively(lively).drop(lively.columns)), *rest]
        features = describe(known, every)
    else:
        told = buckets.each(_the_second, (), (every, Reading(known, every, compute_features, partitions)))
        told = every.join(told, on=["player_key", "base_day"], how="left", maintain_order="left")
        features = _as_lively(_beside_others(known, told))
    return [features.filter(_of_days(part)) for part in parts]  # no slice, which would keep the features of all parts


def _of_days(part: pl.DataFrame) -> pl.Expr:
    return pl.col("base_day").is_in(part["base_day"].unique().implode())


def _the_second(_: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    return second


def eligible_players(known: Known, base_days: list[dt.date]) -> pl.DataFrame:
    """Columns player_key and base_day: who was active recently enough on each base day."""
    with known.lend(base_days=pl.DataFrame({"base_day": base_days}, schema={"base_day": pl.Date})):
        return known.frame(known.fixed("players/snapshots"), {"within": known.app.challenges.active_within_days})


def describe(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Features of the snapshots, facts of their records, how near the calendar is, and how lively the whole app is."""
    return _as_lively(_beside_others(known, compute_features(known, snapshots)))


def _beside_others(known: Known, features: pl.DataFrame) -> pl.DataFrame:
    """Features of players with what is known of them beside their play."""
    snapshots = features.select("player_key", "base_day")
    if known.app.segments.shaped_by:
        facts = player_facts(known, snapshots)
        features = features.join(facts, on=["player_key", "base_day"], how="left", maintain_order="left")
    for told in (near_calendar(known, snapshots), has_ended(known, snapshots)):
        features = features.join(told, on=["player_key", "base_day"], how="left", maintain_order="left")
    return features


def _as_lively(features: pl.DataFrame) -> pl.DataFrame:
    """Features with how lively the whole app was on their day."""
    return features.with_columns(
        (pl.col("active_days_1").mean().over("base_day")).alias("app_active_1"),
        (pl.col("active_days_3").mean().over("base_day") / 3).alias("app_active_3"),
        (pl.col("active_days_7").mean().over("base_day") / 7).alias("app_active_7"),
        (pl.col("active_days_28").mean().over("base_day") / 28).alias("app_active_28"),
    )


def past_values(known: Known, snapshots: pl.DataFrame, days: int | None = None) -> pl.DataFrame:
    """What each challenge metric came to in each player's own recent windows with play; see past_values.sql.

    Args:
        known: What the night may see.
        snapshots: player_key and base_day.
        days: Of windows of this length; None is of every length that challenges have.
    """
    windows = known.app.challenges.windows if days is None else [days]
    lengths = pl.DataFrame({"window_days": windows}, schema={"window_days": pl.Int32})
    asked = pl.DataFrame({"metric": known.app.challenges.metrics})
    with known.lend(snapshots=snapshots.select("player_key", "base_day"), lengths=lengths, asked=asked):
        return known.frame(known.fixed("players/past_values"), {"since": first_day(snapshots)})
