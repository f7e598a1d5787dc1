"""Runs whose process is gone: a killed run says RUNNING for good unless somebody says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed

from flows.server.carrier import carrier_tag, is_gone

MAX_RUNS = 200


@contextmanager
def runs_of_this_process() -> Iterator[None]:
    """Tag runs with the process that carries them."""
    with tags(carrier_tag()):
        yield


def crash_stale_runs(*, include_deployments: bool = False) -> int:
    """Mark runs as crashed that say RUNNING or PENDING while their process is gone; returns how many.

    Args:
        include_deployments: Also runs of deployments. Right only when nothing serves them yet.
    """
    unfinished = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=unfinished)),
            sort=FlowRunSort.START_TIME_DESC,
            limit=MAX_RUNS,
        )
        stale = [run for run in runs if _is_gone(run, include_deployments)]
        for run in stale:
            client.set_flow_run_state(run.id, Crashed(message="Its process is gone."), force=True)
    return len(stale)


def _is_gone(run: FlowRun, include_deployments: bool) -> bool:
    gone = is_gone(run.tags)
    return include_deployments and run.deployment_id is not None if gone is None else gone
