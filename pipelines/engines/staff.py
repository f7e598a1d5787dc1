"""Workers kept for a whole night, since each new one takes seconds to load libraries and models."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from pipelines.engines.workers import EngineError, Workers

R = TypeVar("R")


class Staff:
    """An engine's workers, asked for once and kept to the end of the block, or until they are lost.

    Args:
        hire: Gives the engine's workers.
    """

    def __init__(self, hire: Callable[[], Workers]) -> None:
        self._hire = hire
        self._hired: Workers | EngineError | None = None
        self._there: Executor | None = None
        self._loading = list[Future[None]]()  # a cluster forgets what nobody waits for
        self._stack = ExitStack()

    def __call__(self) -> Workers:
        """The workers.

        Raises:
            EngineError: There are none; nobody looks for them twice, as that takes a while each time.
        """
        if self._hired is None:
            try:
                self._hired = self._hire()
            except EngineError as error:
                self._hired = error
        if isinstance(self._hired, EngineError):
            raise self._hired
        look = partial(self._tried, self._hired.look)
        return replace(self._hired, start=partial(self._at_work, self._hired), look=look)

    def call_in(self, given: object) -> None:
        """Start workers early and let them load what they will be given, while this process is at other work."""
        with suppress(EngineError):  # told when they are asked for something
            workers = self()
            with workers.start() as executor:
                self._loading = [executor.submit(_load, given) for _ in range(workers.count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._there = None
        self._loading.clear()
        self._stack.__exit__(kind, error, where)

    @contextmanager
    def _at_work(self, hired: Workers) -> Iterator[Executor]:
        with self._stack.pop_all() as stack:
            there, self._there = self._there or self._started(hired, stack), None
            yield there
            self._there, self._stack = there, stack.pop_all()

    def _started(self, hired: Workers, stack: ExitStack) -> Executor:
        return self._tried(lambda: stack.enter_context(hired.start()))

    def _tried(self, look: Callable[[], R]) -> R:
        """What `look` finds; once it fails, it is taken as failed for the rest of the night."""
        try:
            return look()
        except EngineError as error:
            self._hired = error
            raise


def _load(given: object) -> None:
    """Whoever is here has loaded it."""
