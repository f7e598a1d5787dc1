"""Personal coaching: what the player's own record says, and what is left from there to the next target."""

import datetime as dt
from itertools import product

import polars as pl

from configs.app import App
from pipelines.challenges.invite import WEEK_DAYS, told_lately
from pipelines.engines.laid import Frame
from pipelines.words.content_type import Asking, ContentType, Form
from pipelines.words.numbers import plainer

NAME = "personal_coaching"
TRENDS, NEAR = ("rising", "steady", "easing"), "near"
OCCASIONS = tuple(" ".join(words) for words in (*product(TRENDS, [NEAR]), *product(TRENDS)))
MONTH_DAYS = 28
_FAR = 0.5  # of what 28 days came to: what takes longer is no next step
_MORE, _LESS = 1.25, 0.6  # the last week against a week of the last four


def plan(asking: Asking) -> pl.DataFrame:
    """One in a week for those likely enough to play whose record holds some of what their nearest next target counts.

    Told are what 28 days came to, how the last of their weeks compares with the others ('rising', 'steady' or
    'easing'), and what is left to the target: no more than two weeks take at that pace; 'near' is what one takes. Who
    gets a tutorial or a social prompt tonight gets none.
    """
    app, known = asking.known.app, asking.known
    lately = told_lately(known, NAME).filter(pl.col("as_of") > known.as_of - dt.timedelta(days=WEEK_DAYS))
    nearest = asking.nearest.rename({"goal": "target"})
    own = _own(app, asking.features)
    month, week = pl.col("done"), pl.col("week") * MONTH_DAYS / WEEK_DAYS
    left = pl.col("target") - month
    rows = (
        nearest.join(own, on=["player_key", "metric"], how="inner", maintain_order="left")
        .with_columns(goal=plainer(app, pl.col("metric"), left), pace=month)
        .filter((month > 0) & (left > 0) & (left <= _FAR * month))
        .with_columns(
            occasion=pl.concat_str(
                pl.when(week >= _MORE * month)
                .then(pl.lit("rising"))
                .when(week <= _LESS * month)
                .then(pl.lit("easing"))
                .otherwise(pl.lit("steady")),
                pl.when(left <= month * WEEK_DAYS / MONTH_DAYS).then(pl.lit(NEAR)),
                separator=" ",
                ignore_nulls=True,
            ),
            done=pl.when(month >= 10).then(month.floor()).otherwise(month),
        )
        .select("player_key", "metric", "goal", "occasion", "done")
    )
    for other in (lately, asking.rows("tutorial"), asking.rows("social_prompt")):
        rows = rows.join(other, on="player_key", how="anti", maintain_order="left")
    return rows.join(asking.likely, on="player_key", how="semi", maintain_order="left")


def coached_metrics(app: App) -> list[str]:
    """The metrics of challenges that more of the same deeds add to."""
    metrics = ((name, app.metrics[name].aggregation) for name in app.challenges.metrics)
    return [name for name, counted in metrics if counted.adds_up and not counted.keyed]


def _own(app: App, features: Frame) -> pl.DataFrame:
    """player_key, metric, done and week: what each player came to in 28 days and in the last 7 of them."""
    names = coached_metrics(app)
    features = features.select("player_key", *(f"{name}__{days}" for name in names for days in ("28", "7")))
    of_each = [
        features.select(
            "player_key",
            pl.lit(name).alias("metric"),
            pl.col(f"{name}__28").cast(pl.Float64).fill_nan(None).fill_null(0.0).alias("done"),
            pl.col(f"{name}__7").cast(pl.Float64).fill_nan(None).fill_null(0.0).alias("week"),
        )
        for name in names
    ]
    none = pl.DataFrame(schema={"player_key": pl.Int64, "metric": pl.String, "done": pl.Float64, "week": pl.Float64})
    return pl.concat(of_each or [none])


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=(("done",), ("span",), ("goal_1",)), length=400),
    starts=("coaching_title", "coaching"),
    plain_title="From Where You Stand",
    plain={"": "So far: {{done}} {{span}}. From there to the next marker: {task}."},
    briefs=lambda app: product(coached_metrics(app), OCCASIONS),
    occasions=(*TRENDS, NEAR),
    plan=plan,
    place=65,
    names_metric=True,
)
