"""Two boosters from snapshots of past days: does a player play, and do they reach a target."""

import argparse
import datetime as dt
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl

from tests.benchmarks.straight.features import ASKED, features_sql
from tests.benchmarks.straight.store import open_store

WINDOWS = (1, 3, 7)
MOST_SNAPSHOTS, MOST_QUESTIONS = 20_000, 150_000
ROUNDS = 150
SETTINGS = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 100, "feature_fraction": 0.7,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5.0, "seed": 7, "verbosity": -1, "num_threads": 1,
}  # fmt: skip
PLAY = (
    *(
        "recency_days",
        "tenure_days",
        "streak_days",
        "active_days_1",
        "active_days_3",
        "active_days_7",
        "active_days_14",
    ),
    *("active_days_28", "active_days_life", "events_1", "events_7", "events_28", "gap_mean_28", "heat_3", "heat_10"),
    *("heat_30", "on_monday", "on_tuesday", "on_wednesday", "on_thursday", "on_friday", "on_saturday", "on_sunday"),
)
OWN = ("own_7", "own_28", "own_90")


def train(store: Path, as_of: dt.date) -> None:
    """Write plays.txt and reaches.txt beside the store."""
    with open_store(store) as con:
        con.execute(
            """CREATE OR REPLACE TEMP TABLE snapshots AS
               FROM (SELECT DISTINCT user_id, base_day
                     FROM (SELECT unnest(range(min(day) + 7, $as_of, INTERVAL 3 DAY))::DATE AS base_day
                           FROM player_days)
                     JOIN player_days ON actions > 0 AND day BETWEEN base_day - 28 AND base_day - 1)
               USING SAMPLE reservoir(20000 ROWS) REPEATABLE (7)""",
            {"as_of": as_of},
        )
        features = con.sql(features_sql()).pl()
        labels = con.sql(_labels_sql(), params={"as_of": as_of}).pl()
    plays = labels.group_by("user_id", "base_day", "window_days", maintain_order=True).agg(pl.col("played").first())
    rows = plays.join(features, on=["user_id", "base_day"], maintain_order="left")
    _fit(plays_matrix(rows), rows["played"], store.with_name("plays.txt"))
    rows = _questions(labels, features)
    _fit(reaches_matrix(rows), rows["hit"], store.with_name("reaches.txt"))


def plays_matrix(rows: pl.DataFrame) -> pl.DataFrame:
    """Inputs of the booster that says who plays."""
    return rows.select(*PLAY, "window_days").cast(pl.Float32)


def reaches_matrix(rows: pl.DataFrame) -> pl.DataFrame:
    """Inputs of the booster that says who reaches a target."""
    return rows.select(*PLAY, "window_days", "metric_code", *OWN, "target").cast(pl.Float32)


def own_history(features: pl.DataFrame) -> pl.DataFrame:
    """user_id, base_day, metric, metric_code, and what they came to in a week, four weeks and a quarter."""
    features = features.with_columns(pl.col(f"active_days_{n}").alias(f"days_active__{n}") for n in (7, 28, 90))
    return pl.concat(
        features.select(
            "user_id", "base_day", pl.lit(metric).alias("metric"), pl.lit(code).alias("metric_code"),
            *(pl.col(f"{metric}__{n}").cast(pl.Float64).fill_null(0).alias(f"own_{n}") for n in (7, 28, 90)),
        )
        for code, metric in enumerate(ASKED)
    )  # fmt: skip


def _questions(labels: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """For windows with play, a target about what was reached, and whether it was."""
    asked = labels.filter("played").unpivot(ASKED, index=["user_id", "base_day", "window_days"], variable_name="metric")
    asked = asked.sample(min(asked.height, MOST_QUESTIONS), seed=7)
    draw = np.random.default_rng(7).exponential(1.0, asked.height)
    asked = asked.with_columns(pl.col("value").fill_null(0)).with_columns(
        target=((pl.col("value").mean().over("metric") + pl.col("value")) / 2 * pl.Series(draw)).ceil().clip(1)
    )
    asked = asked.with_columns(hit=pl.col("value") >= pl.col("target"))
    rows = asked.join(own_history(features), on=["user_id", "base_day", "metric"], maintain_order="left")
    return rows.join(features.select("user_id", "base_day", *PLAY), on=["user_id", "base_day"], maintain_order="left")


def _labels_sql() -> str:
    sums = ", ".join(
        f"sum({name}) FILTER (metric IS NULL) AS {name}"
        for name in ASKED
        if name not in {"drill_modes", "mates_helped", "days_active", "best_drill_score"}
    )
    return f"""
        WITH asked AS (
            SELECT user_id, base_day, window_days FROM snapshots, unnest([1, 3, 7]) AS lengths(window_days)
            WHERE base_day + window_days <= $as_of
        ),
        days AS (SELECT *, NULL AS metric, NULL AS key FROM player_days
                 UNION ALL BY NAME SELECT * FROM player_day_keys WHERE metric <> 'instruments')
        SELECT a.user_id, a.base_day, a.window_days, coalesce(sum(actions), 0) > 0 AS played, {sums},
               max(best_drill_score) AS best_drill_score, count(DISTINCT d.day) FILTER (actions > 0) AS days_active,
               count(DISTINCT key) FILTER (metric = 'drill_modes') AS drill_modes,
               count(DISTINCT key) FILTER (metric = 'mates_helped') AS mates_helped
        FROM asked AS a LEFT JOIN days AS d
            ON d.user_id = a.user_id AND d.day BETWEEN a.base_day AND a.base_day + a.window_days - 1
        GROUP BY ALL ORDER BY ALL"""


def _fit(x: pl.DataFrame, y: pl.Series, path: Path) -> None:
    data = lgb.Dataset(np.ascontiguousarray(x.to_numpy()), y.cast(pl.Float32).to_numpy(), feature_name=x.columns)
    lgb.train(SETTINGS, data, ROUNDS).save_model(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("as_of", type=dt.date.fromisoformat)
    given = parser.parse_args()
    train(given.store, given.as_of)
