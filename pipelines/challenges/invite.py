"""How players stand among comparable ones, and what would be a first step for them: invitations rest on both."""

import datetime as dt
import math

import polars as pl

from configs.app import App
from pipelines.engines.laid import Frame, Laid
from pipelines.known import Known
from pipelines.players.standing import FEWEST_PLAYERS, IN_COHORT, IN_SEGMENT, comparable, mid_rank, narrowest

WEEK_DAYS = 7
SHOWN_DAYS = 30


def compare(app: App, features: Frame, segments: pl.DataFrame) -> Frame:
    """How each player stands in each metric of challenges and of social prompts among comparable players.

    Comparable are the players of the same cohort and segment; of fewer than FEWEST_PLAYERS those of the cohort, of
    fewer of those everyone.

    Returns:
        player_key, metric, does (whether the last 28 days have any of it), share (of the comparable players who do),
        standing (mid-rank share of the 28-day value, 0 to 1; no value stands lowest) and week (the 7-day value); on the
        disk where features are.
    """
    names = list(dict.fromkeys([*app.challenges.metrics, *app.content.social_metrics]))
    who = comparable(segments)
    who = who.with_columns(group=narrowest(lambda group: pl.len().over(group) >= FEWEST_PLAYERS))
    values = features.select("player_key", *(pl.col(f"{name}__{days}") for name in names for days in ("28", "7")))
    who = values.select("player_key").join(who, on="player_key", how="left", maintain_order="left")
    values, who = (rows.filter(who["group"].is_not_null()) for rows in (values, who.drop("player_key")))
    # One metric after the other: all at once are a dozen rows of each player, several times over.
    rows = (_compared(app, name, values, who) for name in names)
    return Laid(rows, features.folder) if isinstance(features, Laid) else pl.concat(rows)


def _compared(app: App, name: str, values: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """The rows of `compare` about one metric."""
    value = pl.col("value").fill_nan(None)
    month, week = (pl.col(f"{name}__{days}").cast(pl.Float64) for days in ("28", "7"))
    rows = values.select("player_key", value=month, week=week).hstack(who)
    rows = rows.with_columns(
        does=(value != 0).fill_null(value=False),
        strength=value * (1.0 if app.metrics[name].better == "higher" else -1.0),
    )
    return rows.select(
        *("player_key", pl.lit(name).alias("metric"), "does"),
        *(_by_group(pl.col("does").mean()).alias("share"), _by_group(mid_rank(pl.col("strength"))).alias("standing")),
        "week",
    )


def first_steps(app: App, features: Frame) -> dict[str, float | None]:
    """A small amount of each metric to begin with.

    1 of what is counted; of a sum what the lowest quarter of the players come to on a day with any of it; of a best
    what the lowest quarter reach in 28 days. Both are rounded to 1, 2 or 5 of a power of ten on the easier side, a best
    that everybody reaches like that to two digits. A metric without a task has none.
    """
    names = dict.fromkeys([*app.challenges.metrics, *app.content.social_metrics])
    return {name: _first_step(app, features, name) if "{goal}" in app.metrics[name].task else None for name in names}


def _first_step(app: App, features: Frame, name: str) -> float:
    metric = app.metrics[name]
    if metric.aggregation.whole:
        return 1.0
    values = _values(features, f"{name}__{'per_day' if metric.agg == 'sum' else '28'}")
    more = metric.better == "higher"
    easy = values.filter(values > 0).quantile(0.25 if more else 0.75, "lower" if more else "higher")
    if easy is None:
        return 1.0
    power = 10.0 ** math.floor(math.log10(easy))
    coarse = _easier(easy, [step * power for step in (1, 2, 5, 10)], more=more)
    if is_a_step(app, features, name, coarse):
        return coarse
    return _easier(easy, [round(step * power / 10, 9) for step in range(10, 101)], more=more)


def _easier(value: float, steps: list[float], *, more: bool) -> float:
    """The step nearest to a value among those that are no harder."""
    return max(step for step in steps if step <= value) if more else min(step for step in steps if step >= value)


def is_a_step(app: App, features: Frame, name: str, step: float) -> bool:
    """Whether it asks for more than any deed comes to: to buy 1 record in one basket is to buy."""
    metric = app.metrics[name]
    if not metric.aggregation.single:
        return True
    values = _values(features, f"{name}__28")
    return bool((values < step if metric.better == "higher" else values > step).any())


def _values(features: Frame, name: str) -> pl.Series:
    """A feature of those who have it."""
    return features.select(name).to_series().fill_nan(None).drop_nulls()


def told_lately(known: Known, kind: str) -> pl.DataFrame:
    """player_key, metric, as_of of the messages of a kind that players got within thirty nights."""
    params = {"content_type": kind, "since": known.as_of - dt.timedelta(days=SHOWN_DAYS), "as_of": known.as_of}
    return known.frame(known.fixed("challenges/told_lately"), params)


def _by_group(value: pl.Expr) -> pl.Expr:
    """An expression over the players that each one is compared with in a metric."""
    return (
        pl.when(pl.col("group") == IN_SEGMENT)
        .then(value.over(IN_SEGMENT))
        .when(pl.col("group") == IN_COHORT)
        .then(value.over(IN_COHORT))
        .otherwise(value)
    )
