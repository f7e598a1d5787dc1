"""Everything a night needs learned, from what was known at a day: champions by contest, or fallbacks that say so."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from models.learners.empirical_bayes import EmpiricalBayes
from models.tasks.attainment import AttainmentModel, AttainmentParameters
from models.tasks.plays import PlaysModel, PlaysParameters
from pipelines.challenges.propose import ChallengeModels
from pipelines.known import Known
from pipelines.learning.contests import Contest, enough, learn_attainment, learn_plays
from pipelines.learning.incumbents import Incumbent
from pipelines.learning.questions import sign_of, whole_metrics
from pipelines.learning.samples import Samples, draw_samples

Progress = Callable[[str, int, int], None]
SEED = 7
NOBODY: Mapping[str, Incumbent] = {}
EVERY_DAYS = 3
LONGEST_DAYS = 180
WARM_UP_DAYS = 7
MOST_SNAPSHOTS = 20_000
# What training does, in order; these two rooms share the bar that shows it, see `pipelines/learning/job.py`.
STEPS = (
    *("snapshots of past days", "who will play", "what they can reach"),
    *("how strong they are", "plots of the models", "model registry"),
)


@dataclass(frozen=True)
class Learned:
    """The challenge models learned at a day.

    Attributes:
        models: What serves.
        plays: The contest behind it; None when a fallback serves.
        attainment: The same.
        notes: A sentence for each fallback, with its reason.
    """

    models: ChallengeModels
    plays: Contest[PlaysModel] | None
    attainment: Contest[AttainmentModel] | None
    notes: tuple[str, ...]


def silent(stage: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


def tell_step(progress: Progress, step: str) -> None:
    """Say that one of STEPS begins."""
    progress(f"training: {step}", STEPS.index(step), len(STEPS))


def learn_models(
    known: Known,
    *,
    seed: int,
    progress: Progress = silent,
    serving: Mapping[str, Incumbent] = NOBODY,
) -> Learned:
    """Learn from snapshots of past days, every third over at most half a year, with labels known by the night.

    Args:
        known: What the night may see.
        seed: For thinning and learners.
        progress: Told about each of STEPS.
        serving: By task, the model that serves and that the winner is compared with.
    """
    tell_step(progress, "snapshots of past days")
    app = known.app
    days = past_days(known, known.base_day)
    samples = draw_samples(known, days, most=MOST_SNAPSHOTS, seed=seed)
    if not enough(samples):
        return _fallback(app, samples, "too few players and days to train on", seed)
    try:
        tell_step(progress, "who will play")
        plays = learn_plays(app, samples, seed=seed, incumbent=serving.get("plays"))
        tell_step(progress, "what they can reach")
        attainment = learn_attainment(app, samples, seed=seed, incumbent=serving.get("attainment"))
    except NightquestError as error:
        return _fallback(app, samples, error.message, seed)
    return Learned(ChallengeModels(plays.model, attainment.model), plays, attainment, ())


def past_days(known: Known, base_day: dt.date) -> list[dt.date]:
    """Base days to learn from: every third, ending with the last whose shortest window was over by `base_day`."""
    first = known.value("SELECT min(day) FROM known_active_days")
    if first is None:
        return []
    latest = base_day - dt.timedelta(days=min(known.app.challenges.windows))
    earliest = max(first + dt.timedelta(days=WARM_UP_DAYS), base_day - dt.timedelta(days=LONGEST_DAYS))
    return [latest - dt.timedelta(days=k) for k in range(0, max((latest - earliest).days + 1, 0), EVERY_DAYS)]


def _fallback(app: App, samples: Samples, why: str, seed: int) -> Learned:
    """Each player's own habit, and the population's record where there is any."""
    past = samples.past.with_columns(pl.col("value") * sign_of(app))
    played = samples.labels.filter("played").with_columns(pl.col("value") * sign_of(app))
    record = EmpiricalBayes.fit(played, past, whole_metrics(app), seed=seed)
    models = ChallengeModels(
        PlaysModel(PlaysParameters(kind="habit"), tuple(app.challenges.windows)),
        AttainmentModel(AttainmentParameters(kind="empirical_bayes"), record),
    )
    return Learned(models, None, None, (f"Fallback models serve: {why}.",))
