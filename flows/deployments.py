"""What runs when: every deployment, its schedule and how many of its runs may go on at once."""

from collections.abc import Sequence
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from configs.app import App
from configs.loader import load_app
from flows.recorded import backfill, collect, ingest, nightly, submit, train

# Hours from the start of the app's day, on its clocks.
NIGHT_AFTER_H = 2.0  # yesterday's events have come in by then; at most two thirds of the grace
TRAINING_AFTER_H = -1.0
SUBMIT_AFTER_H = -8.0  # a batch takes up to a day, mostly far less
# Runs of different deployments on one app wait for the warehouse's own lock (wait_for_lock_s).
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def deployments(apps: Sequence[str], grace_h: float) -> list[RunnerDeployment]:
    """Nightly and weekly deployments of each app, timed by the start of its own day, and those that a person starts.

    An app that writes through batches has them submitted in the evening and collected before its night, in every zone.

    Args:
        apps: Names, or paths of app files.
        grace_h: How long a day may have begun for a night to serve it still.

    Raises:
        AppFileError: One of the apps does not exist, or its file has problems.
    """
    scheduled: list[RunnerDeployment] = []
    mornings: list[Schedule] = []
    for name in apps:
        loaded = load_app(name)
        app = loaded.app.app
        night = night_after_h(grace_h)
        scheduled.append(_deployment(nightly, app, name, _at(loaded.app, night, scheduled=True)))
        scheduled.append(_deployment(train, app, name, _at(loaded.app, TRAINING_AFTER_H, "1")))
        batches = loaded.app.content.mode == "batch"
        scheduled.append(_deployment(submit, app, name, _at(loaded.app, SUBMIT_AFTER_H) if batches else None))
        mornings += [_at(loaded.app, night / 2)] if batches else []
    by_hand = [_deployment(ingest, "any app"), _deployment(backfill, "any app")]
    return [*scheduled, _deployment(collect, "all apps", None, *mornings), *by_hand]


def night_after_h(grace_h: float) -> float:
    """How many hours after its day begins an app's night is scheduled."""
    return min(NIGHT_AFTER_H, grace_h * 2 / 3)


def _at(app: App, after_h: float, weekday: str = "*", **parameters: bool) -> Schedule:
    """Every day, or on one weekday, so many hours after the app's day begins by the clocks of its zone.

    Its runs have these parameters beside the deployment's, which a person's runs have alone.
    """
    hour, minute = divmod((int(app.day_shift.total_seconds()) // 60 + round(after_h * 60)) % (24 * 60), 60)
    return Cron(f"{minute} {hour} * * {weekday}", timezone=app.timezone, parameters=dict(parameters))


def _deployment(flow: Flow[..., Any], name: str, app: str | None = None, *when: Schedule | None) -> RunnerDeployment:
    deployment = RunnerDeployment.from_flow(
        flow,
        name=name,
        schedules=list({(each.cron, each.timezone): each for each in when if each is not None}.values()),
        parameters={"app": app} if app else {},
        concurrency_limit=ONE_AT_A_TIME,
        tags=["nightquest"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.entrypoint = f"flows.recorded.{flow.fn.__name__}"
    return deployment
