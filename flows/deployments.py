"""What runs when: every deployment, its schedule and how many of its runs may go on at once."""

from collections.abc import Sequence
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from configs.loader import load_app
from flows.recorded import backfill, collect, ingest, nightly, submit, train

NIGHTLY = "0 6 * * *"
WEEKLY = "0 3 * * 1"
EVENING = "0 20 * * *"  # a batch takes up to a day, mostly far less
MORNING = "0 5 * * *"
# Runs of different deployments on one app wait for the warehouse's own lock (wait_for_lock_s).
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def deployments(apps: Sequence[str]) -> list[RunnerDeployment]:
    """Nightly and weekly deployments of each app at its own local time, and those that a person starts.

    An app that writes through batches has them submitted in the evening and collected in the morning.

    Raises:
        AppFileError: One of the apps does not exist, or its file has problems.
    """
    scheduled: list[RunnerDeployment] = []
    mornings: set[str] = set()
    for name in apps:
        loaded = load_app(name)
        zone, app = loaded.app.timezone, loaded.app.app
        scheduled.append(_deployment(nightly, app, name, Cron(NIGHTLY, timezone=zone)))
        scheduled.append(_deployment(train, app, name, Cron(WEEKLY, timezone=zone)))
        batches = loaded.app.content.mode == "batch"
        scheduled.append(_deployment(submit, app, name, Cron(EVENING, timezone=zone) if batches else None))
        mornings |= {zone} if batches else set()
    morning = Cron(MORNING, timezone=min(mornings)) if mornings else None
    by_hand = [_deployment(ingest, "any app"), _deployment(backfill, "any app")]
    return [*scheduled, _deployment(collect, "all apps", when=morning), *by_hand]


def _deployment(
    flow: Flow[..., Any], name: str, app: str | None = None, when: Schedule | None = None
) -> RunnerDeployment:
    deployment = RunnerDeployment.from_flow(
        flow,
        name=name,
        schedule=when,
        parameters={"app": app} if app else {},
        concurrency_limit=ONE_AT_A_TIME,
        tags=["nightquest"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.entrypoint = f"flows.recorded.{flow.fn.__name__}"
    return deployment
