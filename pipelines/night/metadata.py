"""What the metadata of a challenge tells beside its text: the models behind it, the arms, and why it was chosen."""

import json
from collections.abc import Mapping

import polars as pl

from pipelines.challenges.parts import MISSION
from pipelines.challenges.plan import Plan
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.night.words import Words


def with_metadata(challenges: pl.DataFrame, plan: Plan, words: Words, models: Mapping[str, str]) -> pl.DataFrame:
    """Challenges, in the same order, whose `metadata` (JSON text) has all of this added."""
    told = _with_arms(_with_choices(_with_models(challenges, models), plan.choices), words)
    return _with_why_of_one(told, plan.alone)


def _with_models(challenges: pl.DataFrame, models: Mapping[str, str]) -> pl.DataFrame:
    """Challenges whose metadata also names the models behind their numbers."""
    if challenges.is_empty():
        return challenges
    told = json.dumps({name: models[name] for name in PLANNED_WITH}).removeprefix("{")
    before = pl.col("metadata").fill_null("{}").str.strip_suffix("}")
    comma = pl.when(before == "{").then(pl.lit("")).otherwise(pl.lit(", "))
    return challenges.with_columns(metadata=pl.concat_str(before, comma, pl.lit(told)))


def _with_arms(challenges: pl.DataFrame, words: Words) -> pl.DataFrame:
    """Challenges whose metadata also names the arms that the player is in, of words and of rewards."""
    tried = {"arm": (words.trial, words.assigned), "reward_arm": (words.rewards.trial, words.rewards.assigned)}
    for name, (trial, assigned) in tried.items():
        if trial.experiment and challenges.height and assigned.height:
            arms = assigned.select("player_key", "arm")
            rows = challenges.join(arms, on="player_key", how="left", maintain_order="left")
            told = pl.format('{}, "{}": "{}"}}', pl.col("metadata").str.strip_suffix("}"), pl.lit(name), "arm")
            challenges = rows.with_columns(metadata=pl.coalesce(told, "metadata")).drop("arm")
    return challenges


def _with_choices(challenges: pl.DataFrame, choices: pl.DataFrame) -> pl.DataFrame:
    """Challenges whose metadata also tells, of players who answer them, the liking and the chance behind the choice."""
    if challenges.is_empty() or not choices.height:
        return challenges
    told = pl.format(
        '{}, "liking": {}, "choice_propensity": {}}}',
        pl.col("metadata").str.strip_suffix("}"),
        pl.col("liking").round(4),
        pl.col("chance").round(6),
    )
    joined = challenges.join(choices, on="content_id", how="left", maintain_order="left")
    return joined.with_columns(metadata=pl.when(pl.col("chance").is_not_null()).then(told).otherwise("metadata")).drop(
        "liking", "chance"
    )


def _with_why_of_one(challenges: pl.DataFrame, alone: pl.DataFrame) -> pl.DataFrame:
    """Challenges whose metadata also tells, of missions that ask for one thing, why nothing goes with it."""
    if challenges.is_empty() or not alone.height:
        return challenges
    joined = challenges.join(alone, on="player_key", how="left", maintain_order="left")
    told = pl.format('{}, "of_one": "{}"}}', pl.col("metadata").str.strip_suffix("}"), "reason")
    of_one = (pl.col("content_type") == MISSION) & pl.col("reason").is_not_null()
    return joined.with_columns(metadata=pl.when(of_one).then(told).otherwise("metadata")).drop("reason")
