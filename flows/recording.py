"""Flows and tasks: plain calls, which Prefect records where there is a Prefect to record them.

Prefect takes seconds to import and its runs need a server. A command that nobody watches needs neither.

What Nightquest refuses ends a run in a state that says so in a sentence, without a traceback: `Refused` for a wrong
input, `Busy`, which is no failure, while another process works on the app. The caller gets the error as it was raised.
"""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, update_wrapper, wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from configs.errors import BusyError, DiskFullError, NightquestError
from configs.full_disk import full_disk, is_full
from flows.log import LOG
from flows.schedule import Deployed

if TYPE_CHECKING:
    from prefect import Flow as PrefectFlow
    from prefect.client.schemas.objects import State

P = ParamSpec("P")
R = TypeVar("R")

WRONG_INPUT = 2
RETRY_AFTER_S = 2.0

_recording: ContextVar[bool] = ContextVar("recording", default=False)
_refused: ContextVar[list[NightquestError] | None] = ContextVar("refused", default=None)


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
        deployed: How `serve` offers it; None is not at all.
    """

    def __init__(self, work: Callable[P, R], flow_run_name: str, deployed: Deployed | None = None) -> None:
        update_wrapper(self, work)
        self.work, self.flow_run_name, self.deployed = _full_disk_told(work), flow_run_name, deployed

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: as a Prefect flow where Prefect records, else as the function that it is."""
        return _call(self.recorded, *args, **kwargs) if is_recording() else self.work(*args, **kwargs)

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
        retries: How often it is tried again, after RETRY_AFTER_S, when a disk or a connection failed it.
    """

    def __init__(self, work: Callable[P, R], name: str = "", retries: int = 0) -> None:
        update_wrapper(self, work)
        self.work, self.name = _tried_again(work, retries), name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: as a Prefect task where Prefect records, else as the function that it is."""
        return _call(self._recorded, *args, **kwargs) if is_recording() else self.work(*args, **kwargs)

    @cached_property
    def _recorded(self) -> Callable[P, R]:
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        return task(name=self.name or None, cache_policy=NO_CACHE)(_ended(self.work))


def flow(flow_run_name: str, deployed: Deployed | None = None) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a function a flow; see `Flow`."""
    return lambda work: Flow(work, flow_run_name, deployed)


def task(work: Callable[P, R]) -> Task[P, R]:
    """Make a function a task; see `Task`."""
    return Task(work)


def name_run(*words: object) -> None:
    """Call the run that Prefect records here by its flow and these words: the app, and the day once it is known."""
    if not is_recording():
        return
    from prefect.client.orchestration import get_client
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None and context.flow is not None:
        name = " ".join(map(str, (context.flow.name, *words)))
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=name)


def run_url() -> str | None:
    """Where Prefect shows the run that it records here."""
    if not is_recording():
        return None
    from prefect.runtime import flow_run

    return cast("str | None", flow_run.ui_url)


def _full_disk_told(work: Callable[P, R]) -> Callable[P, R]:
    """The work, whichever library finds a disk full: which file system that is, and what to do."""

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except Exception as error:
            if is_full(error) and not isinstance(error, DiskFullError):
                raise full_disk(error, "what was begun could not be ended") from error
            raise

    return told


def _tried_again(work: Callable[P, R], retries: int) -> Callable[P, R]:
    """The work, tried again where what failed it may pass: a disk or a connection; each time the log says why."""

    @wraps(work)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for left in range(retries, 0, -1):
            try:
                return work(*args, **kwargs)
            except Exception as error:
                if not _may_pass(error):
                    raise
                # Not its text, which may hold what a destination was told, such as a password.
                LOG.warning(
                    "%s failed and is tried again, at most %d times: %s",
                    work.__name__,
                    left,
                    getattr(error, "strerror", None) or type(error).__name__,
                )
                time.sleep(RETRY_AFTER_S)
        return work(*args, **kwargs)

    return tried


def _may_pass(error: BaseException | None) -> bool:
    """Whether a disk or a connection failed that may do better at once: not one that is full, missing or forbidden."""
    if error is not None and is_full(error):
        return False
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__
    lasting = isinstance(error, FileNotFoundError | PermissionError) or getattr(error, "errno", 0) == errno.EROFS
    return error is not None and not lasting


def _recorded(work: Callable[P, R]) -> Callable[P, R]:
    @wraps(work)
    def recorded(*args: P.args, **kwargs: P.kwargs) -> R:
        with recording(), _logged():
            return _ended(work)(*args, **kwargs)

    return recorded


def _call(recorded: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Let Prefect run it; what Nightquest refused is raised as it was, and not as Prefect tells it."""
    refused: list[NightquestError] = []
    token = _refused.set(refused)
    try:
        result = recorded(*args, **kwargs)
    except Exception:
        if not refused:
            raise
    else:
        if not refused:
            return result
    finally:
        _refused.reset(token)
    raise refused[-1]


def _ended(work: Callable[P, R]) -> Callable[P, R]:
    """The work, which ends in a state of Prefect when Nightquest refuses it."""

    @wraps(work)
    def ended(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except NightquestError as error:
            if (refused := _refused.get()) is not None:
                refused.append(error)
            LOG.error("%s", error)
            return cast("R", _state_of(error))

    return ended


def _state_of(error: NightquestError) -> "State[Any]":
    from prefect.states import Cancelled, Failed

    if isinstance(error, BusyError):
        return Cancelled(name="Busy", message=str(error))
    return Failed(name="Refused" if error.exit_code == WRONG_INPUT else "Failed", message=str(error))


@contextmanager
def _logged() -> Iterator[None]:
    """Send what Nightquest logs to Prefect's log of the run; an inner flow's lines go where the outer one's do."""
    from prefect.logging.handlers import APILogHandler

    if any(isinstance(handler, APILogHandler) for handler in LOG.handlers):
        yield
        return
    handler = APILogHandler()
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
