"""Everything a night needs learned, from what was known at a day: champions by contest, or fallbacks that say so."""

import datetime as dt
import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from configs.app import App
from configs.errors import NightquestError
from configs.full_disk import is_full
from models.cluster import Cluster
from models.contest.budget import FOR_EVER, Budget
from models.contest.hold import Contest, fallback, hold_contest
from models.contest.promotion import Incumbent
from models.contest.search import Tuning
from models.given import Samples
from models.learned import LearnedModel
from models.task import BinaryTask
from models.tasks import binary_task, binary_tasks
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels
from pipelines.known import Known
from pipelines.learning.parallel import Parallel, fitting
from pipelines.learning.past import Past
from pipelines.learning.samples import draw_snapshots, samples_of
from pipelines.learning.steps import LOOKING, Steps, silent
from pipelines.players.day_by_day import day_by_day

SEED = 7
NOBODY: Mapping[str, Incumbent] = {}
EVERY_DAYS = 3
LONGEST_DAYS = 180
WARM_UP_DAYS = 7
MOST_SNAPSHOTS = 20_000
FEWEST_SNAPSHOTS = 300
FEWEST_DAYS = 5
FEWEST_PLAYED = 50
FEWEST_BESIDE = 2_000  # snapshots; with fewer, processes take longer to begin than contests to end
ROOM = 10  # times the samples: what a contest holds at once
_log = logging.getLogger(f"nightquest.{__name__}")


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


@dataclass
class Contests:
    """What comes of the tasks that are to be learned.

    Attributes:
        samples: The snapshots that they are learned from.
        held: By task; one that could not be learned is absent.
        failed: By task without a contest, why, as the end of a sentence.
        notes: A sentence for each task or learner that did not come about, with its reason.
    """

    samples: Samples
    held: dict[str, Contest] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, ended: Iterable[tuple[str, Contest | Exception]], learned: Callable[[Contest], None]) -> None:
        """Take what has ended, and pass each contest on."""
        for name, contest in ended:
            if isinstance(contest, Exception) and is_full(contest):
                raise contest  # no task's own fault
            if isinstance(contest, Contest):
                self.held[name] = contest
                self.notes += [fault for fault in contest.faults if fault not in self.notes]
                learned(contest)
            else:
                self.failed[name] = why_not(name, contest)
                self.notes.append(f"No model of {name} is learned: {self.failed[name]}.")


def learn_models(known: Known, *, seed: int, wanted: Collection[str] = PLANNED_WITH) -> Learned:
    """What planning needs, learned on the spot from what a night may see; fallbacks for what is not wanted."""
    learned = learn_tasks(known, wanted, seed=seed)
    return Learned(_planning(known.app, learned.samples, learned.held, seed), learned.held, tuple(learned.notes))


def learn_tasks(
    known: Known,
    wanted: Collection[str],
    *,
    seed: int,
    steps: Steps | None = None,
    serving: Mapping[str, Incumbent] = NOBODY,
    budget: Budget = FOR_EVER,
    tuning: Tuning | None = None,
    processes: int | None = 1,
    room: float = math.inf,
    most: int = MOST_SNAPSHOTS,
    cluster: Cluster | None = None,
    learned: Callable[[Contest], None] = lambda _: None,
    beside: Callable[[], None] = lambda: None,
) -> Contests:
    """Learn from snapshots of past days, every third over at most half a year, with labels known by the night.

    Args:
        known: What the night may see.
        wanted: The tasks to learn.
        seed: For thinning and learners.
        steps: Told about each.
        serving: By task, the model that serves and that the winner is compared with.
        tuning: How learners are tuned, all tasks together; None: they are not.
        budget: How long all of it may take, with one task more after it; each gets an equal part of what is left.
        processes: How many contests may be held beside each other, where there is much to learn from; None: as many as
            this machine has cores and memory for.
        room: Bytes that contests beside each other and this process may hold, where `processes` leaves open how many.
        most: Snapshots to learn from.
        cluster: Where learners are fitted that can be, if there are many rows; contests are then held one by one.
        learned: Given each contest in the order of the tasks, while later ones may be under way in processes.
        beside: What else there is to do, once the last contest has begun.
    """
    steps = steps or Steps(silent)
    steps.begin(LOOKING)
    snapshots = draw_snapshots(known, past_days(known, known.base_day), most=most, seed=seed)
    tasks = [task for task in binary_tasks() if task.name in wanted]
    few = cluster is not None or snapshots.height < FEWEST_BESIDE
    with Parallel[Contest](1 if few else processes or fitting(0)) as contests:
        contests.call_in(_load)
        samples = samples_of(known, snapshots)
        known.warehouse.ease()  # what was read for samples would lie beside all contests
        if processes is None:
            contests.limit(fitting(ROOM * _size(samples), room))
        came, past = Contests(samples), Past.of(known)
        if tasks and (lacking := too_few(samples)):
            came.notes.append(f"Fallback models serve, as there is too little to learn from: {lacking}.")
            came.failed |= {task.name: f"there was too little to learn from: {lacking}" for task in tasks}
            tasks = []
        for place, task in enumerate(tasks):
            contests.await_room()
            steps.begin(task.doing)
            share = budget.share(-(-(1 + len(tasks) - place) // contests.at_once))
            how = _How(seed, serving.get(task.name), share, _tuning_of(task, tuning, len(tasks)), cluster)
            _begin(contests, task, past, samples, how)
            came.take(contests.ready(), learned)
        beside()
        came.take(contests.results(), learned)
    return came


def too_few(samples: Samples) -> str:
    """What there is too little of to learn anything, beside how much it would take; empty where there is enough."""
    labels = samples.labels
    played = labels.filter("played").select("player_key", "base_day", "window_days").unique()
    there = (
        ("snapshots of players on past days", samples.features.height, FEWEST_SNAPSHOTS),
        ("past days whose outcome is known", labels["base_day"].n_unique(), FEWEST_DAYS),
        ("windows with play", played.height, FEWEST_PLAYED),
    )
    return ", ".join(f"{has} {what} (it takes {least})" for what, has, least in there if has < least)


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


@dataclass(frozen=True)
class _How:
    """How a contest is held, see `models.contest.hold.hold_contest`."""

    seed: int
    incumbent: Incumbent | None
    budget: Budget
    tuning: Tuning | None
    cluster: Cluster | None


def _begin(contests: Parallel[Contest], task: BinaryTask[Any], past: Past, samples: Samples, how: _How) -> None:
    """Read the task's labels from the warehouse and begin its contest; if either fails, note why and go on."""
    try:
        if not how.budget.left:
            raise NightquestError("the budget is spent.")  # noqa: TRY301 (told like any other reason)
        days = day_by_day(past, samples.features, task.asks_of_days)
        own = replace(samples, labels=task.labels(past, samples), days=days)
        past.warehouse.ease()
        contests.begin(task.name, partial(_hold, task.name, past.app, own, how))
    except Exception as error:  # noqa: BLE001 (a task's file may do anything wrong, and costs the others nothing)
        contests.could_not_begin(task.name, error)


def _hold(task: str, app: App, samples: Samples, how: _How) -> Contest:
    """A contest, here or in a process; the task goes by its name, since its file may lie outside the package."""
    return hold_contest(
        binary_task(task),
        app,
        samples,
        seed=how.seed,
        incumbent=how.incumbent,
        budget=how.budget,
        tuning=how.tuning,
        cluster=how.cluster,
    )


def _load() -> None:
    """A process that is here has loaded this file and what it rests on."""


def _size(samples: Samples) -> int:
    return sum(int(frame.estimated_size()) for frame in (samples.features, samples.past, samples.labels))


def why_not(task: str, error: Exception) -> str:
    """Why a task has no contest, as the end of a sentence."""
    if isinstance(error, NightquestError):
        return error.message.rstrip(".")
    _log.warning("The task %s cannot be learned.", task, exc_info=error)
    return f"the task {task} fails with {type(error).__name__}: {error}"


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
