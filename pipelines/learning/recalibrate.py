"""Move models to fit what has just settled: the newest windows whose end is known, most recent first.

What a task's rows ask is compared with what it would have promised. Attainment is moved by the challenges that the same
rules would have chosen then, so the correction covers what choosing does to promises (the pick of many is a little too
good to be true), not only what time does.
"""

import datetime as dt
from dataclasses import replace

import polars as pl

from models.contest.split import evidence, recency
from models.given import SNAPSHOT, Samples
from models.learned import LearnedModel
from pipelines.challenges.choose import EMPTY_RECENT, choose_challenges, worth_asking
from pipelines.challenges.propose import ChallengeModels, chance_of_play, open_windows, propose_targets
from pipelines.known import Known
from pipelines.learning.past import Past
from pipelines.learning.samples import draw_snapshots
from pipelines.players.day_by_day import day_by_day
from pipelines.windows import completed

STARTS_DAYS = 28  # on how many days windows began that are looked at, the longest of which are over as well
EVERY_DAYS = 2
MOST_SNAPSHOTS = 3_000
HALF_LIFE_DAYS = 14.0
# How much is done by who plays turns sooner, but no sooner than a window ends: docs/choices.md says how it was found.
GIVEN_PLAY_HALF_LIFE_DAYS = 7.0
# What a player does in some days answers every metric and every night whose window overlaps them: it is one outcome.
SAME_OUTCOME = 1.0
STRENGTH = 6.0
FEWEST_OUTCOMES = 30


def snapshots_lately(known: Known) -> pl.DataFrame:
    """player_key, base_day: players on days of the last weeks, all before tonight's base day."""
    shortest, longest = min(known.app.challenges.windows), max(known.app.challenges.windows)
    ago = range(1 + shortest, STARTS_DAYS + longest, EVERY_DAYS)
    days = [known.base_day - dt.timedelta(days=k) for k in ago]
    return draw_snapshots(known, days, most=MOST_SNAPSHOTS, seed=known.night.seed)


def moved(known: Known, model: LearnedModel, settled: Samples) -> LearnedModel:
    """The model with answers that fit the newest outcomes, where its task says so; the one given stays as it is."""
    task = model.task
    labels = _like_tonight(known, task.labels(Past.of(known), settled)) if task.moves else pl.DataFrame()
    if labels.is_empty():
        return model
    settled = replace(settled, labels=labels, days=day_by_day(known, settled.features, task.asks_of_days))
    rows = task.rows(known.app, settled, model.encoding, seed=known.night.seed)
    if rows.is_empty():
        return model
    happened, promised = rows[task.label].cast(pl.Float64).to_numpy(), model.predict(rows)
    weights = evidence(rows, recency(rows, HALF_LIFE_DAYS), task.alike)
    return model.adjusted(rows, happened, promised, weights=weights, strength=STRENGTH)


def recalibrate(known: Known, models: ChallengeModels, settled: Samples) -> ChallengeModels:
    """The models that planning needs, moved; the ones given stay as they are.

    Args:
        known: What the night may see.
        models: The champions.
        settled: Of `snapshots_lately`.
    """
    labels = _like_tonight(known, settled.labels)
    if labels.is_empty():
        return models
    models = replace(models, plays=moved(known, models.plays, settled))
    asked = _would_have_asked(known, models, replace(settled, labels=labels))
    outcomes = labels.select(*SNAPSHOT, "metric", "window_days", "value", "played")
    asked = asked.join(outcomes, on=[*SNAPSHOT, "metric", "window_days"]).filter("played")
    if asked.height >= FEWEST_OUTCOMES:
        kept = completed(pl.col("value"), pl.col("op"), pl.col("target")).cast(pl.Float64)
        hit, promised = asked.select(kept).to_series().to_numpy(), asked["probability_if_active"].to_numpy()
        half_lives = asked["window_days"].cast(pl.Float64).clip(GIVEN_PLAY_HALF_LIFE_DAYS).to_numpy()
        weights = evidence(asked, recency(asked, half_lives), SAME_OUTCOME, of=("player_key",))
        attainment = models.attainment.adjusted(asked, hit, promised, weights=weights, strength=STRENGTH)
        models = replace(models, attainment=attainment)
    return models


def _like_tonight(known: Known, labels: pl.DataFrame) -> pl.DataFrame:
    """Those that began as long after what was known as tonight's do."""
    if "lead_days" not in labels.columns:
        return labels
    return labels.filter(pl.col("lead_days") == min(known.night.lead_days, 1))


def _would_have_asked(known: Known, models: ChallengeModels, settled: Samples) -> pl.DataFrame:
    """The challenges that the same rules would have chosen for the snapshots that played, and that are over."""
    app, night = known.app, known.night
    features = those_who_played(settled.features, settled.labels)
    start = pl.col("base_day") + pl.duration(days=night.lead_days)
    windows = open_windows(app, features.with_columns(start_day=start))
    windows = windows.filter(pl.col("end_day") < known.base_day)
    wanted = features.select(*SNAPSHOT, wanted=pl.lit(app.challenges.target_probability))
    chances = chance_of_play(models, features, windows)
    windows = worth_asking(app, windows, chances, EMPTY_RECENT)
    targets = propose_targets(app, models, features, settled.past, windows, wanted, chances)
    return choose_challenges(app, targets, chances, EMPTY_RECENT, as_of=known.as_of, seed=night.seed)


def those_who_played(snapshots: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The snapshots with a window among the labels in which they played: of others nothing is learned given play."""
    played = labels.filter("played").select(*SNAPSHOT)
    return snapshots.join(played, on=list(SNAPSHOT), how="semi", maintain_order="left")
