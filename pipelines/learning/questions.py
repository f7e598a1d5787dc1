"""The questions put to the challenge models: rows with everything that plays and attainment read."""

import polars as pl

from configs.app import App
from models.learners.empirical_bayes import PLAYER_KEY, EmpiricalBayes
from models.tasks.attainment import FROM_PLAY
from models.tasks.plays import plays_matrix

SNAPSHOT = ("player_key", "base_day")
_OWN = ("7", "28", "per_day", "trend")


def sign_of(app: App) -> pl.Expr:
    """1 where more is better, -1 where less is, by metric; signed values are always better when higher."""
    lower = [name for name, metric in app.metrics.items() if metric.better == "lower"]
    return pl.when(pl.col("metric").is_in(lower)).then(-1.0).otherwise(1.0)


def whole_metrics(app: App) -> dict[str, bool]:
    """Which metrics come in whole numbers."""
    return {name: metric.aggregation.whole or _of_integers(app, name) for name, metric in app.metrics.items()}


def plays_rows(features: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """One row per snapshot, lead and length: features joined to distinct windows (with `played` where known)."""
    columns = [c for c in ("lead_days", "window_days", "start_day", "end_day", "played") if c in windows.columns]
    distinct = windows.select(*SNAPSHOT, *columns).unique(maintain_order=True)
    return distinct.join(features, on=list(SNAPSHOT), how="inner", maintain_order="left")


def attainment_rows(
    app: App, record: EmpiricalBayes, features: pl.DataFrame, past: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """Evidence and inputs for each question asked.

    Args:
        app: The app.
        record: The fitted population record.
        features: One row per snapshot (samples.describe).
        past: Own past windows; raw values (samples.past_values).
        asked: PLAYER_KEY, lead_days, start_day, target (signed), any others.
    """
    weighed = record.weigh(asked, past.with_columns(pl.col("value") * sign_of(app)))
    weighed = weighed.join(_own_values(features, asked), on=[*SNAPSHOT, "metric"], how="left", maintain_order="left")
    spans = plays_rows(features, asked)
    play = pl.concat(
        [spans.select(*SNAPSHOT, "lead_days", "window_days"), plays_matrix(spans).select(FROM_PLAY)], how="horizontal"
    )
    keys = [*SNAPSHOT, "lead_days", "window_days"]
    return weighed.join(play.unique(keys, maintain_order=True), on=keys, how="left", maintain_order="left")


def ask_menu(
    app: App, record: EmpiricalBayes, past: pl.DataFrame, windows: pl.DataFrame, *, lowest: float, highest: float
) -> pl.DataFrame:
    """Every menu target whose shrunk record lies between two probabilities, for each window."""
    asked = windows.join(record.menu, on=["metric", "window_days"], how="inner")
    weighed = record.weigh(
        asked.select(*PLAYER_KEY, "target").unique(), past.with_columns(pl.col("value") * sign_of(app))
    )
    weighed = weighed.with_columns(pl.Series("chance", record.probability(weighed)))
    near = weighed.filter(pl.col("chance").is_between(lowest, highest)).select(*PLAYER_KEY, "target", "chance")
    return asked.join(near, on=[*PLAYER_KEY, "target"], how="inner")


def _own_values(features: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """own_7, own_28, own_per_day, own_trend of each asked metric, in long form."""
    own = {f"own_{measure}": pl.Float64 for measure in _OWN}
    return pl.concat(
        [
            features.select(
                *SNAPSHOT,
                pl.lit(metric).alias("metric"),
                *(pl.col(f"{metric}__{measure}").fill_null(0.0).alias(f"own_{measure}") for measure in _OWN),
            )
            for metric in asked["metric"].unique().sort()
        ]
        or [pl.DataFrame(schema={**{k: features.schema[k] for k in SNAPSHOT}, "metric": pl.String, **own})]
    )


def _of_integers(app: App, name: str) -> bool:
    metric = app.metrics[name]
    declared = [app.property_of(event, metric.of) for event in metric.events or app.active_events] if metric.of else []
    return bool(declared) and all(p is not None and p.type == "integer" for p in declared)
