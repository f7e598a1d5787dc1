"""Flows and tasks: plain calls, which Prefect records where there is a Prefect to record them.

Prefect takes seconds to import and its runs need a server. A command that nobody watches needs neither.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, update_wrapper, wraps
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from prefect import Flow as PrefectFlow

P = ParamSpec("P")
R = TypeVar("R")

_recording: ContextVar[bool] = ContextVar("recording", default=False)


def is_recording() -> bool:
    """Whether Prefect records what runs here."""
    return _recording.get()


@contextmanager
def recording() -> Iterator[None]:
    """Let Prefect record what runs inside; its API must be configured before it is imported."""
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)


class Flow(Generic[P, R]):
    """A function that can be a Prefect flow.

    Args:
        work: The function.
        flow_run_name: Of its runs in Prefect; `{parameter}` is filled in.
    """

    def __init__(self, work: Callable[P, R], flow_run_name: str) -> None:
        update_wrapper(self, work)
        self.work, self.flow_run_name = work, flow_run_name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: as a Prefect flow where Prefect records, else as the function that it is."""
        return self.recorded(*args, **kwargs) if is_recording() else self.work(*args, **kwargs)

    @cached_property
    def recorded(self) -> "PrefectFlow[P, R]":
        """The Prefect flow, whose tasks and inner flows are recorded too."""
        from prefect import flow

        return flow(flow_run_name=self.flow_run_name)(_recorded(self.work))


class Task(Generic[P, R]):
    """A function that can be a Prefect task. Its result is never taken from an earlier run's.

    Args:
        work: The function.
        name: In Prefect; the function's own when empty.
    """

    def __init__(self, work: Callable[P, R], name: str = "") -> None:
        update_wrapper(self, work)
        self.work, self.name = work, name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: as a Prefect task where Prefect records, else as the function that it is."""
        return self._recorded(*args, **kwargs) if is_recording() else self.work(*args, **kwargs)

    @cached_property
    def _recorded(self) -> Callable[P, R]:
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        return task(name=self.name or None, cache_policy=NO_CACHE)(self.work)


def flow(flow_run_name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a function a flow; see `Flow`."""
    return lambda work: Flow(work, flow_run_name)


def task(work: Callable[P, R]) -> Task[P, R]:
    """Make a function a task; see `Task`."""
    return Task(work)


def _recorded(work: Callable[P, R]) -> Callable[P, R]:
    @wraps(work)
    def recorded(*args: P.args, **kwargs: P.kwargs) -> R:
        with recording():
            return work(*args, **kwargs)

    return recorded
