"""What happened within a window of whole local days: the single definition behind labels and settlement."""

import polars as pl

from pipelines.known import Known

# Of each thing that a challenge asks for, in order: what it came to, null where there is none yet, and how far that is.
SO_FAR = pl.List(pl.Struct({"value": pl.Float64(), "progress": pl.Float64()}))


def window_values(known: Known, windows: pl.DataFrame) -> pl.DataFrame:
    """Add to each window what its metric came to.

    Args:
        known: What the night may see.
        windows: Columns window_id (unique), player_key, metric, start_day, end_day (inclusive); others are kept.

    Returns:
        The windows in the same order with `value` (Float64, null when the metric has none) and `played` (Boolean).
    """
    return windows.join(known.came_to(windows), on="window_id", how="left", maintain_order="left")


def completed(value: pl.Expr, op: pl.Expr, target: pl.Expr) -> pl.Expr:
    """The one predicate: has this value reached this target? No value has reached nothing."""
    return pl.when(op == "<=").then(value <= target).otherwise(value >= target).fill_null(value=False)


def crossings(known: Known, windows: pl.DataFrame) -> pl.DataFrame:
    """The event with which each completed window reached its target, by a scan of those players' events.

    Args:
        known: What the night may see.
        windows: Columns window_id, player_key, metric, start_day, end_day, target, op; completed ones only.

    Returns:
        window_id, crossed_at, event_id: the first event in order (occurred_at, sequence, event_id) after which the
        running value has reached the target.
    """
    windows = windows.select("window_id", "player_key", "metric", "start_day", "end_day", "target", "op")
    first, last = windows["start_day"].min(), windows["end_day"].max()
    asked = {"first": first, "last": last, "metrics": sorted(windows["metric"].unique())}
    with known.lend(windows=windows):
        return known.frame(known.fixed("activity/crossings"), asked)
