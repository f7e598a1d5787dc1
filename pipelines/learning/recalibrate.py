"""Recalibrate the champions on what has just settled: the newest windows whose end is known, most recent first.

The rows are the challenges that the same rules would have chosen then, so the correction covers what choosing does to
promises (the pick of many is a little too good to be true), not only what time does.
"""

import datetime as dt

import polars as pl

from pipelines.challenges.choose import EMPTY_RECENT, choose_challenges
from pipelines.challenges.propose import ChallengeModels, chance_of_play, open_windows, propose_targets
from pipelines.known import Known
from pipelines.learning.contests import recency
from pipelines.learning.questions import SNAPSHOT, plays_rows
from pipelines.learning.samples import draw_samples
from pipelines.windows import completed

LOOK_BACK_DAYS = 35
EVERY_DAYS = 2
MOST_SNAPSHOTS = 3_000
HALF_LIFE_DAYS = 14.0
STRENGTH = 6.0
FEWEST_OUTCOMES = 30


def recalibrate(known: Known, models: ChallengeModels) -> ChallengeModels:
    """New models whose last layer fits the newest settled windows; the ones given stay as they are.

    Args:
        known: What the night may see.
        models: The champions.
    """
    app, today = known.app, known.base_day
    days = [today - dt.timedelta(days=k) for k in range(1 + min(app.challenges.windows), LOOK_BACK_DAYS, EVERY_DAYS)]
    samples = draw_samples(known, days, most=MOST_SNAPSHOTS, seed=known.night.seed)
    labels = samples.labels.filter(pl.col("lead_days") == min(known.night.lead_days, 1))
    if labels.is_empty():
        return models
    rows = plays_rows(samples.features, labels)
    played, promised = rows["played"].cast(pl.Float64).to_numpy(), models.plays.predict(rows)
    weights = recency(rows, HALF_LIFE_DAYS)
    plays = models.plays.adjusted(rows, played, promised, weights=weights, strength=STRENGTH)
    start = pl.col("base_day") + pl.duration(days=known.night.lead_days)
    windows = open_windows(app, samples.features.with_columns(start_day=start)).filter(pl.col("end_day") < today)
    wanted = samples.features.select(*SNAPSHOT, wanted=pl.lit(app.challenges.target_probability))
    targets = propose_targets(app, models, samples.features, samples.past, windows, wanted)
    chances = chance_of_play(models, samples.features, windows)
    chosen = choose_challenges(app, targets, chances, EMPTY_RECENT, as_of=known.as_of, seed=known.night.seed)
    outcomes = labels.select(*SNAPSHOT, "metric", "window_days", "value", "played")
    asked = chosen.join(outcomes, on=[*SNAPSHOT, "metric", "window_days"]).filter("played")
    if asked.height < FEWEST_OUTCOMES:
        return ChallengeModels(plays, models.attainment, models.versions)
    kept = completed(pl.col("value"), pl.col("op"), pl.col("target")).cast(pl.Float64)
    hit, promised = asked.select(kept).to_series().to_numpy(), asked["probability_if_active"].to_numpy()
    weights = recency(asked, HALF_LIFE_DAYS)
    attainment = models.attainment.adjusted(asked, hit, promised, weights=weights, strength=STRENGTH)
    return ChallengeModels(plays, attainment, models.versions)
