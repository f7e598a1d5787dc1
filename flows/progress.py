"""How long work tells where it is: the command line sets a reporter, a deployment's run writes to Prefect's log."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flows.log import LOG
from flows.recording import is_recording

Progress = Callable[[str, int, int], None]
NIGHT_STAGES = 10  # of flows/stages.py, whose libraries take seconds to load

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
    if is_recording() and done in {0, total}:
        LOG.info("%s: %d of %d", stage, done, total)


def warn(notes: Iterable[str]) -> None:
    """Put notes in the log, one line each: what fell back and why."""
    for note in notes:
        LOG.warning("%s", note)
