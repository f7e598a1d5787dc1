"""What earlier nights asked of the players and still counts: open challenges, missions and achievements."""

import polars as pl

from pipelines.challenges.achievements import open_achievements
from pipelines.challenges.implied import ASKED, EVER, FOREVER
from pipelines.challenges.lifetimes import lifetime_values
from pipelines.challenges.parts import ACHIEVEMENT
from pipelines.known import Known
from pipelines.windows import completed, window_values


def what_is_open(known: Known, recent: pl.DataFrame) -> pl.DataFrame:
    """What earlier nights asked and the players have not done yet, as known at a night: the columns of ASKED.

    Args:
        known: What the night may see.
        recent: What was issued lately, see `recent_challenges`.
    """
    frames = [_open_challenges(known, recent)]
    if ACHIEVEMENT in known.app.content.types:
        frames.append(_open_achievements(known))
    return pl.concat(frames)


def _open_challenges(known: Known, recent: pl.DataFrame) -> pl.DataFrame:
    app = known.app
    lower = [name for name, metric in app.metrics.items() if metric.better == "lower"]
    adding = [name for name, metric in app.metrics.items() if metric.aggregation.adds_up]
    running = recent.filter(
        (pl.col("valid_until") >= known.as_of) & pl.col("metric").is_in(list(app.metrics))
    ).with_row_index("window_id")
    spans = running.with_columns(
        start_day=pl.col("valid_until") - pl.duration(days=pl.col("window_days") - 1),
        end_day=pl.col("valid_until"),
        op=pl.when(pl.col("metric").is_in(lower)).then(pl.lit("<=")).otherwise(pl.lit(">=")),
    )
    valued = window_values(known, spans).filter(~completed(pl.col("value"), pl.col("op"), pl.col("target")))
    done = pl.when(pl.col("metric").is_in(adding)).then(pl.col("value").fill_null(0.0)).otherwise(0.0)
    return valued.with_columns(left=pl.col("target") - done).select(pl.col(n).cast(k) for n, k in ASKED.items())


def _open_achievements(known: Known) -> pl.DataFrame:
    """Lifetime goals, asked since they were issued; of different things those seen before count too."""
    rows = open_achievements(known).filter(pl.col("as_of") < known.as_of)
    lives = lifetime_values(known, rows).select("player_key", "metric", "value")
    again = pl.col("metric").is_in([name for name, metric in known.app.metrics.items() if metric.aggregation.keyed])
    rows = rows.join(lives, on=["player_key", "metric"], how="left", maintain_order="left").with_columns(
        op=pl.lit(">="),
        left=pl.col("target") - pl.col("value").fill_null(0.0),
        target=pl.col("target") - pl.when(again).then(0.0).otherwise("started_from"),
        start_day=pl.lit(EVER),
        end_day=pl.lit(FOREVER),
        counts=pl.lit(value=True),
    )
    return rows.select(pl.col(n).cast(k) for n, k in ASKED.items())
