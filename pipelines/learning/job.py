"""Training as a job: learn, compare, register."""

import datetime as dt

from configs.loader import LoadedApp
from configs.settings import Settings
from configs.version import code_version
from data.warehouse import Warehouse
from pipelines.known import Known
from pipelines.learning.incumbents import incumbents
from pipelines.learning.record import contest_table, run_of, segments_run
from pipelines.learning.training import SEED, STEPS, Progress, learn_models, silent, tell_step
from pipelines.night.plan import understand_players
from pipelines.pins import make_night, next_served_day
from pipelines.players.segments import fit_segments, past_strength
from pipelines.reports import TrainReport
from pipelines.stores import open_app, open_registry


def run_train(
    settings: Settings, loaded: LoadedApp, *, as_of: dt.date | None, now: dt.datetime, progress: Progress = silent
) -> TrainReport:
    """Learn the app's models from what was known at a day, and register them.

    Without `as_of`, the day after the last known activity, or the next served day if that is earlier.
    """
    app, registry = loaded.app, open_registry(settings)
    with open_app(settings, loaded) as warehouse:
        as_of = as_of or _latest_day(warehouse, loaded, now, settings.day_grace)
        night = make_night(warehouse, app, as_of, now, settings.day_grace)
        known = Known(warehouse, night)
        learned = learn_models(known, seed=SEED, progress=progress, serving=incumbents(registry, app, as_of))
        tell_step(progress, "how strong they are")
        players = understand_players(known, None)
        segments = fit_segments(app, *past_strength(known), seed=SEED)
    tell_step(progress, "plots of the models")
    contests = [contest for contest in (learned.plays, learned.attainment) if contest is not None]
    runs = {contest.task: run_of(contest, night, loaded.hash, code_version()) for contest in contests}
    if segments.model is not None:
        runs["segments"] = segments_run(segments, players, night, loaded.hash, code_version())
    tell_step(progress, "model registry")
    versions = {task: registry.record(app.app, task, run).version for task, run in runs.items()}
    progress("training", len(STEPS), len(STEPS))
    notes = (*learned.notes, *([segments.note] if segments.note else []))
    return TrainReport(as_of, contest_table(contests), versions, notes)


def _latest_day(warehouse: Warehouse, loaded: LoadedApp, now: dt.datetime, grace: dt.timedelta) -> dt.date:
    last = warehouse.value("SELECT max(day) FROM events WHERE active")
    served = next_served_day(loaded.app, now, grace)
    return min(served, last + dt.timedelta(days=1)) if last else served
