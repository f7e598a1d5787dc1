"""Pieces of work beside each other in processes of this machine, or one after another in this one."""

import logging
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

import psutil

from configs.errors import NightquestError
from pipelines.pool import Lost, Pool, open_pool

TRIES = 3  # of a piece whose process was lost
PROCESS_BYTES = 500_000_000  # of one that has loaded its libraries
R = TypeVar("R")
_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass
class Parallel(Generic[R]):
    """Work handed out one piece at a time; each begins when fewer than `at_once` are under way.

    What comes of it is told in the order in which it was begun: of the first while others are still under way. A piece
    whose process was lost is begun again in another, and from then on one fewer is under way, since memory may be what
    it lacked. Where one at a time is from the beginning, it is done here.

    Args:
        at_once: How many pieces may be under way.
    """

    at_once: int
    _pool: Pool | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: dict[Future[R], tuple[str, Callable[[], R]]] = field(default_factory=dict)
    _done: dict[str, R | Exception] = field(default_factory=dict)
    _losses: Counter[str] = field(default_factory=Counter)
    _turns: deque[str] = field(default_factory=deque)

    def __enter__(self) -> Self:
        if self.at_once > 1:
            self._pool = self._stack.enter_context(open_pool(self.at_once))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, where)

    def call_in(self, load: Callable[[], None]) -> None:
        """Let the processes come and load what they need, which takes seconds, while this one is at other work."""
        if self._pool is not None:
            for _ in range(self.at_once):
                self._pool.submit(load)

    def limit(self, at_once: int) -> None:
        """Have fewer pieces under way at once, before the first; where one at a time is, the processes go."""
        self.at_once = min(self.at_once, at_once)
        if self.at_once == 1:
            self._stack.close()
            self._pool = None

    def await_room(self) -> None:
        """Until another piece can begin."""
        while len(self._running) >= self.at_once:
            self._take()

    def begin(self, name: str, work: Callable[[], R]) -> None:
        """Begin a piece that can be pickled, of a name of its own."""
        self.await_room()
        if self._pool is None:
            self._done[name] = _tried(work)
        else:
            self._running[self._pool.submit(work)] = (name, work)
        self._turns.append(name)

    def could_not_begin(self, name: str, error: Exception) -> None:
        """Count a piece as done, with what kept it from beginning."""
        self._turns.append(name)
        self._done[name] = error

    def ready(self) -> Iterator[tuple[str, R | Exception]]:
        """What came of each piece that is done, by name, or the exception that it raised; up to the first that is not.

        Each is told once.
        """
        while self._turns and self._turns[0] in self._done:
            name = self._turns.popleft()
            yield name, self._done.pop(name)

    def results(self) -> Iterator[tuple[str, R | Exception]]:
        """What came of all that was not told yet, each when it is done."""
        while self._turns:
            while self._turns[0] not in self._done:
                self._take()
            yield from self.ready()

    def _take(self) -> None:
        """What has come of one piece."""
        future = next(iter(wait(self._running, return_when=FIRST_COMPLETED).done))
        name, work = self._running.pop(future)
        error = future.exception()
        if isinstance(error, Lost):
            self._begin_again(name, work)
        elif isinstance(error, Exception) or error is None:
            self._done[name] = error or future.result()
        else:
            raise error

    def _begin_again(self, name: str, work: Callable[[], R]) -> None:
        self._losses[name] += 1
        if self._pool is None or self._losses[name] == TRIES:
            self._done[name] = NightquestError(
                f"its process was killed {TRIES} times, most likely for want of memory: let it have more, or set fewer "
                "NIGHTQUEST_TRAINING_SNAPSHOTS.",
                exit_code=1,
            )
            return
        _log.warning("The process that worked on %s was lost; another begins it again.", name)
        self.at_once = max(1, self.at_once - 1)
        self.await_room()
        self._running[self._pool.submit(work)] = (name, work)


def fitting(bytes_each: int, most: float = math.inf) -> int:
    """How many processes this machine has cores and memory for, where each also holds so many bytes; at least 1.

    Args:
        bytes_each: What each holds beside its libraries.
        most: Bytes that they and this process may hold together.
    """
    room = min(psutil.virtual_memory().available, most - psutil.Process().memory_info().rss)
    return max(1, min(psutil.cpu_count() or 1, int(room // (bytes_each + PROCESS_BYTES))))


def _tried(work: Callable[[], R]) -> R | Exception:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (whoever asks for results decides what it means)
        return error
