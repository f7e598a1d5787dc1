"""Strength as it was shown in each kind of comparable play: what the segments' metrics came to in that cohort alone."""

import polars as pl

from configs.app import App
from pipelines.known import Known

_NO_DAYS = {"distinct", "streak"}  # aggregations whose parts say nothing of the cohort


def measured_there(app: App, metric: str) -> bool:
    """Whether a metric is of events that say their cohort, all of them; another is known over all play alone."""
    told = app.metrics[metric]
    events = told.events or app.active_events
    says = all(set(app.cohorts.by) <= set(app.events[event].properties) for event in events)
    return bool(app.cohorts.by) and says and told.agg not in _NO_DAYS


def strength_in_cohorts(known: Known, features: pl.DataFrame) -> pl.DataFrame:
    """The rows of players once more, a row for each cohort that they played in 28 days, with what came to pass there.

    Args:
        known: Its app's segments and cohorts.
        features: player_key, base_day, and the columns that describe strength over all play.

    Returns:
        The columns of `features`, with those of metrics that are measured in cohorts as they are there, and cohort;
        players who played none have no row.
    """
    app = known.app
    names = [n for n in dict.fromkeys([app.segments.score, *app.segments.features]) if measured_there(app, n)]
    snapshots = features.select("player_key", "base_day")
    with known.lend(snapshots=snapshots, asked=pl.DataFrame({"metric": names}, schema={"metric": pl.String})):
        long = known.frame(known.fixed("players/in_cohorts"))
    keys = ["player_key", "base_day", "cohort"]
    wide = long.select(keys).unique(maintain_order=True)
    for name in names:
        own = long.filter(metric=name).select(*keys, pl.col("value").alias(f"{name}__28"))
        wide = wide.join(own, on=keys, how="left", maintain_order="left")
    whole = features.drop([f"{name}__28" for name in names], strict=False)
    there = wide.join(whole, on=["player_key", "base_day"], how="inner", maintain_order="left")
    return there.select(*features.columns, "cohort")
