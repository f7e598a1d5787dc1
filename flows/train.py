"""Train: an app's models, judged against their challengers on later days.

Runs weekly. Writes MLflow runs and, where a challenger wins, the registry's champion alias; nights read that alias.
"""

import datetime as dt
from collections.abc import Sequence

from configs.app import App
from flows.parameters import AppName, Duration, Tasks, check_day, seconds_of
from flows.progress import report
from flows.recording import flow, name_run, task
from flows.running import Run, begin, show_table
from flows.schedule import Deployed, Start
from pipelines.reports import TrainReport


@task
def hold_contests(
    run: Run, as_of: dt.date | None, only: Sequence[str], budget_s: float | None, tuned: bool
) -> TrainReport:
    """Fit every contender on what was known before `as_of` and let the holdout decide."""
    from pipelines.learning.job import run_train  # as in flows.nightly: it takes seconds to load

    return run_train(
        run.settings,
        run.loaded,
        as_of=as_of,
        now=run.now,
        progress=report,
        only=only,
        budget_s=budget_s,
        tuned=tuned,
    )


def _starts(_app: App, _grace_h: float) -> Start:
    return Start(-1.0, weekday="1")


@flow("train {app}", Deployed(_starts, each_app=True))
def train(
    app: AppName,
    as_of: dt.date | None = None,
    tasks: Tasks | None = None,
    budget: Duration | None = None,
    untuned: bool = False,
) -> TrainReport:
    """Train an app's models on what was known before a day, and register the winners.

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: Use only what was known before this day; none is the day after the last known play.
        tasks: Learn only these; none is all.
        budget: How long it may take, such as 90s, 10m or 1h; learners for which it is too short do not compete.
        untuned: Take the learners as they are, without a search for better settings.
    """
    run = begin(app)
    result = hold_contests(run, check_day(run.loaded.app, as_of, run.now), tasks or (), seconds_of(budget), not untuned)
    name_run(run.loaded.app.app, result.as_of)
    versions = ", ".join(f"{task} {version}" for task, version in result.versions.items()) or "none"
    description = "\n\n".join([f"Contests on the later holdout. Registered versions: {versions}.", *result.notes])
    show_table(run.loaded.app.app, "train", result.contests.to_dicts(), description)
    return result
