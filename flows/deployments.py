"""What runs when: a deployment of every flow that says it has one, its schedule and how many runs may go on at once."""

from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from configs.app import App
from configs.loader import load_app
from flows.recording import Flow
from flows.registry import find_flows
from flows.schedule import Deployed, Start

# Runs of different deployments on one app wait for the warehouse's own lock (wait_for_lock_s).
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def deployments(apps: Sequence[str], grace_h: float) -> list[RunnerDeployment]:
    """Every flow's deployments, in order of its name: one for each app, or one for all of them.

    Args:
        apps: Names, or paths of app files.
        grace_h: How long a day may have begun for a night to serve it still.

    Raises:
        AppFileError: One of the apps does not exist, or its file has problems.
        NightquestError: Two flows have one name.
    """
    loaded = {name: load_app(name).app for name in apps}
    found = [(flow, flow.deployed) for flow in find_flows().by_name.values() if flow.deployed is not None]
    return [one for flow, deployed in found for one in _of(flow, deployed, loaded, grace_h)]


def _of(flow: Flow[..., Any], deployed: Deployed, apps: dict[str, App], grace_h: float) -> Iterator[RunnerDeployment]:
    if deployed.each_app:
        for name, app in ((name, app) for name, app in apps.items() if deployed.suits(app)):
            yield _deployment(flow, app.app, _schedules(deployed, [app], grace_h), {"app": name})
    else:
        named = "any app" if "app" in signature(flow.work).parameters else "all apps"
        yield _deployment(flow, named, _schedules(deployed, apps.values(), grace_h), {})


def _schedules(deployed: Deployed, apps: Iterable[App], grace_h: float) -> list[Schedule]:
    """When the apps say that it starts; of several that say the same one."""
    when = [_at(app, start) for app in apps if (start := deployed.starts(app, grace_h)) is not None]
    return list({(each.cron, each.timezone): each for each in when}.values())


def _at(app: App, start: Start) -> Schedule:
    minutes = int(app.day_shift.total_seconds()) // 60 + round(start.after_h * 60)
    hour, minute = divmod(minutes % (24 * 60), 60)
    return Cron(f"{minute} {hour} * * {start.weekday}", timezone=app.timezone, parameters=dict(start.parameters))


def _deployment(
    flow: Flow[..., Any], name: str, schedules: list[Schedule], parameters: dict[str, Any]
) -> RunnerDeployment:
    deployment = RunnerDeployment.from_flow(
        flow.recorded,
        name=name,
        schedules=schedules,
        parameters=parameters,
        concurrency_limit=ONE_AT_A_TIME,
        tags=["nightquest"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.entrypoint = f"flows.recorded.{flow.work.__name__}"
    return deployment
