"""Players who get a brief of their own: who they are, and the profile that the brief tells."""

import json

import polars as pl

from configs.app import App
from configs.wording import metric_words, plain
from pipelines.challenges.lifetimes import lifetime_values
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.standing import rank_share

BEST_METRICS = 2
ATTRIBUTE_LENGTH = 80
_TOLD = ("preferred_content", "skill_level", "activity", "segment", "style")  # of the profiles
_NOBODY = pl.DataFrame(schema={"player_key": pl.Int64, "profile": pl.String})


def individual_profiles(known: Known, features: Frame, profiles: Frame, chances: pl.DataFrame) -> pl.DataFrame:
    """Choose the players of the app file's `content.individual` and describe each.

    The description is coarse, so that it changes slowly and its texts serve for several nights: no id, no name, no
    exact number. The app's own attributes are what they are: somebody may have typed them, so they are cleaned and cut.

    Args:
        known: What the night may see.
        features: One row per player at the night's base day.
        profiles: From `describe_players`.
        chances: player_key, p_plays (a row per window).

    Returns:
        player_key, profile (JSON text with sorted keys); by player_key.
    """
    app, wanted = known.app, known.app.content.individual
    if not (wanted.top_spenders or wanted.at_risk or wanted.sample):
        return _NOBODY
    likely = chances.group_by("player_key").agg(pl.col("p_plays").max())
    asked = (
        features.select("player_key")
        .join(_spent(known, features), on="player_key", how="left", maintain_order="left")
        .join(likely, on="player_key", how="left", maintain_order="left")
    )
    shares = {name: getattr(wanted, name) for name in ("top_spenders", "at_risk", "sample")}
    with known.lend(asked=asked):
        chosen = known.frame(known.fixed("words/individuals"), {"app": app.app, **shares})
    if chosen.is_empty():
        return _NOBODY
    rows = (
        chosen.join(profiles.select("player_key", *_TOLD), on="player_key", how="inner", maintain_order="left")
        .join(features.select("player_key", "tenure_days", "recency_days"), on="player_key", maintain_order="left")
        .join(_strengths(app, features), on="player_key", how="left", maintain_order="left")
        .join(_attributes(known, chosen), on="player_key", how="left", maintain_order="left")
    )
    return pl.DataFrame(
        [(row["player_key"], _told(app, row)) for row in rows.iter_rows(named=True)],  # a few per cent of the players
        schema=_NOBODY.schema,
        orient="row",
    )


def _spent(known: Known, features: Frame) -> pl.DataFrame:
    """player_key, spent: what the app's `spend_metric` has come to in each player's life."""
    metric = known.app.content.individual.spend_metric
    lives = lifetime_values(known, features.select("player_key"), [metric] if metric else [])
    return lives.select("player_key", pl.col("value").alias("spent"))


def _told(app: App, row: dict[str, object]) -> str:
    preferred = metric_words(app, str(row["preferred_content"])) if row["preferred_content"] else None
    told = {
        "chosen_as": row["chosen_as"],
        "skill_level_of_10": row["skill_level"],
        "activity": row["activity"],
        "strength": row["segment"],
        "style": style.title or str(row["style"]) if (style := app.profile.styles.get(str(row["style"]))) else None,
        "likes": preferred.label if preferred else None,
        "good_at": row["good_at"],
        "here_for": _band(row["tenure_days"], ((14, "days"), (60, "weeks"), (365, "months")), "years"),
        "last_here": _band(row["recency_days"], ((2, "lately"), (7, "some days ago")), "a while ago"),
        "attributes": _cleaned(row["attributes"]),
    }
    return json.dumps({name: value for name, value in told.items() if value}, sort_keys=True, ensure_ascii=False)


def _band(value: object, bands: tuple[tuple[int, str], ...], beyond: str) -> str:
    number = float(str(value)) if value is not None else 0.0
    return next((name for limit, name in bands if number < limit), beyond)


def _strengths(app: App, features: Frame) -> pl.DataFrame:
    """player_key, good_at: labels of the challenge metrics in which the player stands highest, above the middle."""
    labels = {name: words.label for name in app.challenges.metrics if (words := metric_words(app, name))}
    standings = features.select("player_key", *(rank_share(pl.col(f"{name}__28")).alias(name) for name in labels))
    return (
        standings.unpivot(index="player_key", variable_name="metric", value_name="standing")
        .filter(pl.col("standing") > 0.5)
        .sort("player_key", "standing", "metric", descending=[False, True, False])
        .group_by("player_key", maintain_order=True)
        .head(BEST_METRICS)
        .with_columns(label=pl.col("metric").replace_strict(labels, return_dtype=pl.String))
        .group_by("player_key", maintain_order=True)
        .agg(good_at="label")
    )


def _attributes(known: Known, chosen: pl.DataFrame) -> pl.DataFrame:
    """player_key, attributes (JSON text): those that the app file lists, for players who have any."""
    names = list(known.app.content.individual.attributes)
    with known.lend(chosen=chosen):
        return known.frame(known.fixed("players/player_attributes"), {"cut": known.cut, "names": names})


def _cleaned(attributes: object) -> dict[str, str]:
    """What somebody may have typed, as one short harmless line each."""
    values = json.loads(str(attributes)) if attributes else {}
    return {name: plain(str(value))[:ATTRIBUTE_LENGTH] for name, value in values.items()}
