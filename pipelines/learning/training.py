"""Everything a night needs learned, from what was known at a day: champions by contest, or fallbacks that say so."""

import datetime as dt
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from configs.app import App
from configs.errors import NightquestError
from models.budget import FOR_EVER, Budget
from models.contest import Contest, fallback, hold_contest
from models.learned import LearnedModel
from models.promotion import Incumbent
from models.search import Tuning
from models.task import BinaryTask, Samples
from models.tasks import binary_task, binary_tasks
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels
from pipelines.known import Known
from pipelines.learning.past import Past
from pipelines.learning.samples import draw_samples
from pipelines.learning.steps import LOOKING, Steps, silent

SEED = 7
NOBODY: Mapping[str, Incumbent] = {}
EVERY_DAYS = 3
LONGEST_DAYS = 180
WARM_UP_DAYS = 7
MOST_SNAPSHOTS = 20_000
FEWEST_SNAPSHOTS = 300
FEWEST_DAYS = 5
FEWEST_PLAYED = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """What was learned at a day.

    Attributes:
        models: What planning can serve with; fallbacks among them where nothing was learned.
        contests: By task; one that could not be learned is absent.
        notes: A sentence for each task or learner that did not come about, with its reason.
    """

    models: ChallengeModels
    contests: Mapping[str, Contest]
    notes: tuple[str, ...]


def learn_models(known: Known, *, seed: int, wanted: Collection[str] = PLANNED_WITH) -> Learned:
    """What planning needs, learned on the spot from what a night may see; fallbacks for what is not wanted."""
    samples, contests, notes = learn_tasks(known, wanted, seed=seed)
    return Learned(_planning(known.app, samples, contests, seed), contests, notes)


def learn_tasks(
    known: Known,
    wanted: Collection[str],
    *,
    seed: int,
    steps: Steps | None = None,
    serving: Mapping[str, Incumbent] = NOBODY,
    budget: Budget = FOR_EVER,
    tuning: Tuning | None = None,
) -> tuple[Samples, dict[str, Contest], tuple[str, ...]]:
    """Learn from snapshots of past days, every third over at most half a year, with labels known by the night.

    Args:
        known: What the night may see.
        wanted: The tasks to learn.
        seed: For thinning and learners.
        steps: Told about each.
        serving: By task, the model that serves and that the winner is compared with.
        tuning: How learners are tuned, all tasks together; None: they are not.
        budget: How long all of it may take, with one task more after it; each gets an equal part of what is left.

    Returns:
        The snapshots, the contests by task (one that could not be learned is absent), and a sentence for each task or
        learner that did not come about, with its reason.
    """
    steps = steps or Steps(silent)
    steps.begin(LOOKING)
    samples = draw_samples(known, past_days(known, known.base_day), most=MOST_SNAPSHOTS, seed=seed)
    contests: dict[str, Contest] = {}
    notes: list[str] = []
    past = Past.of(known)
    tasks = [task for task in binary_tasks() if task.name in wanted]
    if tasks and not enough(samples):
        notes.append("Fallback models serve: too few players and days to train on.")
        tasks = []
    for place, task in enumerate(tasks):
        steps.begin(task.doing)
        share, tuned = budget.share(1 + len(tasks) - place), _tuning_of(task, tuning, len(tasks))
        learned = _learn(task, past, samples, seed, serving.get(task.name), share, tuned)
        if isinstance(learned, str):
            notes.append(learned)
        else:
            contests[task.name] = learned
            notes += learned.faults
    return samples, contests, tuple(dict.fromkeys(notes))


def enough(samples: Samples) -> bool:
    """Whether there is anything to learn from: snapshots, days, and windows with play."""
    labels = samples.labels
    played = labels.filter("played").select("player_key", "base_day", "window_days").unique()
    enough_days = labels["base_day"].n_unique() >= FEWEST_DAYS
    return samples.features.height >= FEWEST_SNAPSHOTS and enough_days and played.height >= FEWEST_PLAYED


def past_days(known: Known, base_day: dt.date) -> list[dt.date]:
    """Base days to learn from: every third, ending with the last whose shortest window was over by `base_day`."""
    first = known.value("SELECT min(day) FROM known_active_days")
    if first is None:
        return []
    latest = base_day - dt.timedelta(days=min(known.app.challenges.windows))
    earliest = max(first + dt.timedelta(days=WARM_UP_DAYS), base_day - dt.timedelta(days=LONGEST_DAYS))
    return [latest - dt.timedelta(days=k) for k in range(0, max((latest - earliest).days + 1, 0), EVERY_DAYS)]


def _tuning_of(task: BinaryTask[Any], tuning: Tuning | None, tasks: int) -> Tuning | None:
    """An equal part of the time, and a folder of its own."""
    if tuning is None:
        return None
    return Tuning(tuning.seconds / tasks, tuning.folder / task.name if tuning.folder else None)


def _learn(
    task: BinaryTask[Any],
    known: Past,
    samples: Samples,
    seed: int,
    incumbent: Incumbent | None,
    budget: Budget,
    tuning: Tuning | None,
) -> Contest | str:
    """The task's contest, or a sentence that says why there is none."""
    if not budget.left:
        return f"No model of {task.name} is learned: the budget is spent."
    instead = f"No model of {task.name} is learned"
    try:
        own = replace(samples, labels=task.labels(known, samples))
        return hold_contest(task, known.app, own, seed=seed, incumbent=incumbent, budget=budget, tuning=tuning)
    except NightquestError as error:
        return f"{instead}: {error.message}"
    except Exception as error:  # noqa: BLE001 (a task's file may do anything wrong, and costs the others nothing)
        _log.warning("The task %s cannot be learned.", task.name, exc_info=error)
        return f"{instead}: the task {task.name} fails with {type(error).__name__}: {error}."


def _planning(app: App, samples: Samples, contests: Mapping[str, Contest], seed: int) -> ChallengeModels:
    """What was learned of the tasks that planning needs; else each player's own habit and the population's record."""

    def model(name: str) -> LearnedModel:
        if name in contests:
            return contests[name].model
        simple = fallback(binary_task(name), app, samples, seed=seed)
        if simple is None:
            raise NightquestError(
                f"Nothing serves for {name} where too little is known to learn from.",
                "A learner of rank 0 must suit it, see models/learners/.",
            )
        return simple

    plays, attainment = (model(name) for name in PLANNED_WITH)
    return ChallengeModels(plays, attainment)
