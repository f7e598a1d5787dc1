"""Training as a job: learn, compare, register."""

import datetime as dt

from configs.loader import LoadedApp
from configs.settings import Settings
from configs.version import code_version
from data.warehouse import Warehouse
from models.learners import learners_left_out
from models.tasks import task_names, tasks
from models.tasks.segments import Segments
from pipelines.known import Known
from pipelines.learning.incumbents import incumbents
from pipelines.learning.record import contest_table, run_of, segments_run
from pipelines.learning.steps import DRAWING, REGISTERING, Progress, Steps, silent
from pipelines.learning.training import SEED, learn_models
from pipelines.pins import make_night, next_served_day
from pipelines.players.segments import fit_segments, past_strength
from pipelines.players.understand import understand_players
from pipelines.reports import TrainReport
from pipelines.stores import open_app, open_registry


def run_train(
    settings: Settings, loaded: LoadedApp, *, as_of: dt.date | None, now: dt.datetime, progress: Progress = silent
) -> TrainReport:
    """Learn the app's models from what was known at a day, and register them.

    Without `as_of`, the day after the last known activity, or the next served day if that is earlier.
    """
    app, registry, steps = loaded.app, open_registry(settings), Steps(progress)
    with open_app(settings, loaded) as warehouse:
        as_of = as_of or _latest_day(warehouse, loaded, now, settings.day_grace)
        night = make_night(warehouse, app, as_of, now, settings.day_grace)
        known = Known(warehouse, night)
        serving = incumbents(registry, app, as_of)
        learned = learn_models(known, seed=SEED, wanted=task_names(), steps=steps, serving=serving)
        steps.begin(Segments.doing)
        players = understand_players(known, None)
        segments = fit_segments(app, *past_strength(known), seed=SEED)
    steps.begin(DRAWING)
    runs = {name: run_of(each, night, loaded.hash, code_version()) for name, each in learned.contests.items()}
    if segments.model is not None:
        runs[Segments.name] = segments_run(segments, players, night, loaded.hash, code_version())
    steps.begin(REGISTERING)
    versions = {task: registry.record(app.app, task, run).version for task, run in runs.items()}
    steps.end()
    notes = (*tasks().faults, *learners_left_out(), *learned.notes, *([segments.note] if segments.note else []))
    return TrainReport(as_of, contest_table(learned.contests.values()), versions, notes)


def _latest_day(warehouse: Warehouse, loaded: LoadedApp, now: dt.datetime, grace: dt.timedelta) -> dt.date:
    last = warehouse.value("SELECT max(day) FROM events WHERE active")
    served = next_served_day(loaded.app, now, grace)
    return min(served, last + dt.timedelta(days=1)) if last else served
