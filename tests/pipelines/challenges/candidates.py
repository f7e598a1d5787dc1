"""Targets that a choice is made among, and how likely their players are to play."""

import datetime as dt

import polars as pl

BASE = dt.date(2024, 1, 10)
METRICS = ("solved", "points", "topics", "days")
# Of which none follows from another.
TARGETS = {"solved": 9.0, "points": 50.0, "topics": 4.0, "days": 3.0}


def targets(
    players: int = 1, windows: tuple[int, ...] = (1, 3), chance: float = 0.55, base: dt.date = BASE
) -> pl.DataFrame:
    rows = [
        {
            "player_key": player,
            "base_day": base,
            "metric": metric,
            "window_days": length,
            "lead_days": 0,
            "start_day": base,
            "end_day": base + dt.timedelta(days=length - 1),
            "target": TARGETS[metric],
            "op": ">=",
            "probability_if_active": chance,
            "evidence": 5.0,
            "knowledge": 0.5,
            "own_28": float(player),
            "wanted": 0.55,
        }
        for player in range(players)
        for metric in METRICS
        for length in windows
    ]
    return pl.DataFrame(rows, schema_overrides={"window_days": pl.Int32})


def plays(rows: pl.DataFrame, chance: float = 0.5) -> pl.DataFrame:
    return rows.select("player_key", "base_day", "window_days").unique().with_columns(p_plays=pl.lit(chance))
