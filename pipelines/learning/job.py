"""Training as a job: learn, compare, register."""

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from data.warehouse import Warehouse
from models.cluster import Cluster
from models.contest.budget import Budget
from models.contest.promotion import Incumbent
from models.contest.search import Tuning
from models.learners import learners_left_out
from models.tasks import binary_tasks, task_names, tasks
from models.tasks.segments import Segments
from pipelines.known import Known
from pipelines.learning.incumbents import incumbents
from pipelines.learning.record import contest_table
from pipelines.learning.register import Registrar
from pipelines.learning.steps import REGISTERING, Progress, Steps, silent
from pipelines.learning.training import SEED, learn_tasks
from pipelines.pins import make_night, next_served_day
from pipelines.players.segments import fit_segments, past_strength
from pipelines.players.snapshots import eligible_players
from pipelines.reports import TrainReport
from pipelines.stores import has_registry, open_app

TUNING = "tuning"  # folder under home: what was tried, by app, task and learner
LEARNING = 0.8  # of a budget at most; the rest is to draw and register
REGISTERING_S = 2.0  # a model
ROOM = 2  # times what DuckDB may take: what contests beside each other may hold with all else


def run_train(
    settings: Settings,
    loaded: LoadedApp,
    *,
    as_of: dt.date | None,
    now: dt.datetime,
    progress: Progress = silent,
    only: Collection[str] = (),
    budget_s: float | None = None,
    tuned: bool = True,
) -> TrainReport:
    """Learn the app's models from what was known at a day, and register them.

    Args:
        settings: The machine's.
        loaded: The app.
        as_of: The day; without it the day after the last known activity, or the next served day if that is earlier.
        now: The moment.
        progress: Told of every step.
        only: The tasks to learn; none is all.
        budget_s: How long it may take.
        tuned: Learners are tuned first, for `tuning_s` of the settings, or for half of what a budget leaves.

    Raises:
        NightquestError: There is no such task.
    """
    budget, wanted = Budget(budget_s), check_tasks(only)
    app, steps = loaded.app, Steps(progress, wanted)
    with open_app(settings, loaded) as warehouse:
        as_of = as_of or _latest_day(warehouse, loaded, now, settings.day_grace)
        night = make_night(warehouse, app, as_of, now, settings.day_grace)
        known, registrar = Known(warehouse, night), Registrar(settings, loaded, night)
        # A store that is still to be made, which takes MLflow seconds, is made while contests are under way.
        serving = incumbents(registrar.registry, app, as_of, wanted) if has_registry(settings) else {}
        tuning = Tuning(settings.tuning_s, settings.home / TUNING / app.app) if tuned else None
        for_learning, told = _for_learning(budget, len(wanted)), list[str]()
        learned = learn_tasks(
            known,
            wanted,
            seed=SEED,
            steps=steps,
            serving=_at_work(known, serving, settings.scoring_s),
            budget=for_learning,
            tuning=tuning,
            processes=settings.workers,
            room=ROOM * settings.memory_gb * 2**30,
            most=settings.training_snapshots,
            cluster=_cluster(settings),
            learned=registrar.contest,
            beside=lambda: told.extend(_learn_segments(known, wanted, registrar, for_learning, steps)),
        )
    steps.begin(REGISTERING)
    told += registrar.without(learned.failed)
    steps.end()
    left_out = learners_left_out(heavy=tuning is not None and tuning.seconds > 0)
    versions = {task: registrar.versions[task] for task in wanted if task in registrar.versions}
    return TrainReport(
        as_of, contest_table(learned.held.values()), versions, (*tasks().faults, *left_out, *learned.notes, *told)
    )


def _learn_segments(
    known: Known, wanted: Collection[str], registrar: Registrar, budget: Budget, steps: Steps
) -> list[str]:
    """Fit segments, where they are wanted, and register them; a sentence where none came about, or no stable ones."""
    if Segments.name not in wanted:
        return []
    if not budget.left:
        registrar.failed[Segments.name] = "the budget is spent"
        return [f"No model of {Segments.name} is learned: the budget is spent."]
    steps.begin(Segments.doing)
    strength = past_strength(known)
    segments = fit_segments(known.app, *strength, seed=SEED)
    registrar.segments(segments, strength)
    return [segments.note] if segments.note else []


def _cluster(settings: Settings) -> Cluster | None:
    """Where learners may be fitted: on the cluster of the engine `dask`."""
    return Cluster(settings.dask_address) if settings.engine == "dask" and settings.dask_address else None


def _at_work(known: Known, serving: dict[str, Incumbent], scoring_s: float) -> dict[str, Incumbent]:
    """The models that serve, with the players that a night asks of and the part of the time that each question has."""
    if not serving:
        return serving
    players, share = eligible_players(known, [known.base_day]).height, scoring_s / len(binary_tasks())
    return {name: replace(each, players=players, scoring_s=share) for name, each in serving.items()}


def _for_learning(budget: Budget, models: int) -> Budget:
    """What of a budget is left to learn in, so that it is also enough to draw and register as many models."""
    if not budget.bounded:
        return budget
    return Budget(max(min(budget.left * LEARNING, budget.left - REGISTERING_S * models), 0.0))


def check_tasks(only: Collection[str]) -> list[str]:
    """The tasks to learn, in order; all where none is named.

    Raises:
        NightquestError: There is no such task; those there are are told.
    """
    known = task_names()
    if strange := [name for name in only if name not in known]:
        raise NightquestError(
            f"There is no task {' or '.join(map(repr, strange))} to learn.", f"There are: {', '.join(known)}."
        )
    return [name for name in known if not only or name in only]


def _latest_day(warehouse: Warehouse, loaded: LoadedApp, now: dt.datetime, grace: dt.timedelta) -> dt.date:
    last = warehouse.value("SELECT max(day) FROM events WHERE active")
    served = next_served_day(loaded.app, now, grace)
    return min(served, last + dt.timedelta(days=1)) if last else served
