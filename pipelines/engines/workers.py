"""Who an engine has for the work on buckets: how each is asked for, and asked for again where its worker is lost."""

import logging
import platform
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from configs.errors import NightquestError
from configs.full_disk import why
from configs.nouns import counted
from configs.settings import Settings
from configs.version import code_version
from data.partitions import write_parquet
from pipelines.engines.exchange import FileRows, LazyRows

LOOK_S = 30.0
TRIES = 3  # until workers that are lost one after the other are given up
LOST_WORKER = {"BrokenProcessPool", "KilledWorker"}  # what a bucket raises whose worker is gone
_log = logging.getLogger(f"nightquest.{__name__}")


class EngineError(Exception):
    """An engine cannot go on, whatever is asked of it; says why."""


@dataclass(frozen=True)
class UnreadableBucket:
    """A bucket that a worker could not do, since it cannot read what it is given; says why."""

    why: str


@dataclass(frozen=True)
class UnwritableResult:
    """A bucket's rows that a worker could not write into the shared folder; says why."""

    rows: pl.DataFrame
    why: str


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        start: Gives an executor, a new one after the last broke.
        count: How many buckets are worked on at once.
        look: Asked whenever nothing was done for LOOK_S, raises EngineError where nobody is there any more.
    """

    start: Callable[[], AbstractContextManager[Executor]]
    count: int
    look: Callable[[], object] = lambda: None


OpenWorkers = Callable[[Settings], Workers]
Result = pl.DataFrame | UnreadableBucket | UnwritableResult
Work = Callable[..., pl.DataFrame]
Sent = Callable[[int], Sequence[Any]]


def results(workers: Workers, work: Work, count: int, sent: Sent) -> Iterator[tuple[int, Result]]:
    """The number of each bucket with its rows, as they come; where all workers are gone, others are asked for the rest.

    Args:
        workers: Who does it.
        work: A function that can be sent to a process.
        count: How many buckets there are.
        sent: Gives, for the number of one, the file that its rows are to go to, or None, and what `work` takes.

    Raises:
        EngineError: There are no workers, or they were lost again and again.
        Exception: Whatever `work` raises.
    """
    left, told, checked = list(range(count)), "", partial(_checked, code_version(), work)
    for _ in range(TRIES):
        try:
            with workers.start() as executor:
                for number, rows in _asked(executor, checked, left, sent, workers):
                    left.remove(number)
                    yield number, rows
        except (EngineError, NightquestError):
            raise
        except Exception as error:
            if not _is_lost(error):
                raise
            told = f"{type(error).__name__}: {error}"
            _log.warning("the workers were lost with %s left (%s)", counted(len(left), "bucket"), told)
        if not left:
            return
    raise EngineError(f"lost all its workers {TRIES} times ({told})")


Given = Result | FileRows


def _checked(version: str, work: Work, into: Path | None, *args: Any) -> Given:
    """`work`, by a worker of the same code; its rows, or the file that they are in.

    Raises:
        EngineError: The worker's is another.
    """
    if code_version() != version:
        raise EngineError(f"has a worker of version {code_version()}, and this is {version}: install the same there")
    try:
        given = [each.frame() if isinstance(each, LazyRows) else each for each in args]
    except OSError as error:
        return UnreadableBucket(f"{platform.node()} cannot read what it is given: {why(error)}")
    rows = work(*given)
    if into is None:
        return rows
    try:
        write_parquet(into, rows)
    except OSError as error:
        return UnwritableResult(rows, why(error, into))
    return FileRows(into)


def _asked(
    executor: Executor, work: Callable[..., Given], numbers: list[int], sent: Sent, workers: Workers
) -> Iterator[tuple[int, Result]]:
    """Ask for some buckets, two ahead of each worker so that memory holds few of them; results as they come.

    A bucket whose worker was lost is asked for again when all others have been.

    Raises:
        EngineError: Workers were lost one after the other, and no bucket was done between; or none is there any more.
        Exception: The first that a worker raised, when all that was done beside it is given.
    """
    waiting, running = deque(numbers), dict[Future[Given], int]()
    failed: BaseException | None = None
    lost = list[int]()  # buckets, since the last that was done
    while (waiting and failed is None) or running:
        while waiting and failed is None and len(running) < 2 * workers.count:
            number = waiting.popleft()
            try:
                running[executor.submit(work, *sent(number))] = number
            except Exception as error:  # noqa: BLE001 (an executor whose workers are gone takes no more)
                failed = error
        done = wait(running, LOOK_S, FIRST_COMPLETED).done
        if running and not done:
            workers.look()
        for future in done:
            number, wrong = running.pop(future), future.exception()
            if wrong is None:
                lost.clear()
                yield number, _fetched(future.result())
            elif type(wrong).__name__ in LOST_WORKER:
                _log.warning("the worker of bucket %d was lost; it is worked on again", number + 1)
                lost.append(number)
                waiting.append(number)
                failed = failed or (_given_up(lost) if len(lost) == TRIES else None)
            else:
                failed = failed or wrong
    if failed is not None:
        raise failed


def _given_up(lost: list[int]) -> EngineError:
    """Workers are lost whoever comes: most likely by what they have in hand."""
    numbers = sorted({number + 1 for number in lost})
    inhand = f"bucket{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
    return EngineError(
        f"lost {len(lost)} workers one after the other with {inhand} in hand: "
        "where memory ran out, set more NIGHTQUEST_BUCKETS"
    )


def _fetched(result: Given) -> Result:
    """A worker's rows, whose file goes."""
    if not isinstance(result, FileRows):
        return result
    try:
        rows = result.frame()
    except OSError as error:
        return UnreadableBucket(f"its result cannot be read here: {why(error)}")
    result.path.unlink(missing_ok=True)
    return rows


def _is_lost(error: Exception) -> bool:
    """Whether the workers are gone, all of them, rather than the work wrong."""
    return type(error).__name__ in {*LOST_WORKER, "CommClosedError", "CancelledError"}
