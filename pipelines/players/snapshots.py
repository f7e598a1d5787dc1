"""Players as they stood on some days: who was active, what they had done, and what their own past windows came to."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from pipelines.known import Known
from pipelines.players.calendar import near_calendar
from pipelines.players.facts import player_facts
from pipelines.players.features import AT_ONCE, compute_features


class PastWindows:
    """Own past windows of snapshots (see `past_values`), a hundred rows a player and more: read when asked for.

    Args:
        known: What the night may see.
        snapshots: player_key and base_day.
        read: The rows, where they were read already.
    """

    def __init__(self, known: Known, snapshots: pl.DataFrame, read: pl.DataFrame | None = None) -> None:
        self._known = known
        self._snapshots = snapshots
        self._read = read

    def __getstate__(self) -> dict[str, object]:
        """With the rows, for a process that has no warehouse open."""
        return {"_known": None, "_snapshots": self._snapshots, "_read": self.whole()}

    def of(self, players: pl.Series) -> pl.DataFrame:
        """Those of some players."""
        asked = pl.col("player_key").is_in(players.implode())
        if self._read is not None:
            return self._read.filter(asked)
        return past_values(self._known, self._snapshots.filter(asked))

    def whole(self) -> pl.DataFrame:
        """Those of all."""
        return past_values(self._known, self._snapshots) if self._read is None else self._read


@dataclass(frozen=True)
class Seen:
    """What is known of snapshots: their features (see `describe`) and own past windows."""

    features: pl.DataFrame
    past: PastWindows


def look_at(known: Known, *parts: pl.DataFrame) -> list[Seen]:
    """Look at several sets of snapshots in one go: to plan the queries takes longer than to answer a few more rows.

    Only where there are many rows do past windows wait until they are asked for.

    Args:
        known: What the night may see.
        parts: player_key and base_day; no day is in two of them.
    """
    every = pl.concat(part.select("player_key", "base_day") for part in parts)
    features = describe(known, every)
    past = past_values(known, every) if every.height <= AT_ONCE else None
    seen, first = list[Seen](), 0
    for part in parts:
        of_days = pl.col("base_day").is_in(part["base_day"].unique().implode())
        read = None if past is None else past.filter(of_days)
        seen.append(Seen(features.slice(first, part.height), PastWindows(known, part, read)))
        first += part.height
    return seen


def eligible_players(known: Known, base_days: list[dt.date]) -> pl.DataFrame:
    """Columns player_key and base_day: who was active recently enough on each base day."""
    with known.lend(base_days=pl.DataFrame({"base_day": base_days}, schema={"base_day": pl.Date})):
        return known.frame(known.fixed("players/snapshots"), {"within": known.app.challenges.active_within_days})


def describe(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Features of the snapshots, facts of their records, how near the calendar is, and how lively the whole app is."""
    features = compute_features(known, snapshots)
    if known.app.segments.shaped_by:
        facts = player_facts(known, snapshots)
        features = features.join(facts, on=["player_key", "base_day"], how="left", maintain_order="left")
    features = features.join(
        near_calendar(known, snapshots), on=["player_key", "base_day"], how="left", maintain_order="left"
    )
    return features.with_columns(
        (pl.col("active_days_1").mean().over("base_day")).alias("app_active_1"),
        (pl.col("active_days_3").mean().over("base_day") / 3).alias("app_active_3"),
        (pl.col("active_days_7").mean().over("base_day") / 7).alias("app_active_7"),
        (pl.col("active_days_28").mean().over("base_day") / 28).alias("app_active_28"),
    )


def past_values(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """What each challenge metric came to in each player's own recent windows with play; see past_values.sql."""
    lengths = pl.DataFrame({"window_days": known.app.challenges.windows}, schema={"window_days": pl.Int32})
    asked = pl.DataFrame({"metric": known.app.challenges.metrics})
    with known.lend(snapshots=snapshots.select("player_key", "base_day"), lengths=lengths, asked=asked):
        return known.frame(known.fixed("players/past_values"))
