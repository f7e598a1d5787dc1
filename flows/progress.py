"""How long work tells where it is: the command line sets a reporter, a deployment's run writes to Prefect's log."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from flows.recording import is_recording

Progress = Callable[[str, int, int], None]

_reporter: ContextVar[Progress | None] = ContextVar("reporter", default=None)


def report(stage: str, done: int, total: int) -> None:
    """Pass one step of progress on to whoever listens."""
    reporter = _reporter.get() or _log
    reporter(stage, done, total)


@contextmanager
def reporting_to(reporter: Progress) -> Iterator[None]:
    """Send progress to this reporter for a while."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def _log(stage: str, done: int, total: int) -> None:
    if not is_recording():
        return
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    if done in {0, total}:
        with suppress(MissingContextError):  # outside a run nobody listens
            get_run_logger().info("%s: %d of %d", stage, done, total)


def warn(notes: Iterable[str]) -> None:
    """Put notes in the log of the run, one line each; outside a run nowhere."""
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    with suppress(MissingContextError):
        for note in notes:
            get_run_logger().warning("%s", note)
