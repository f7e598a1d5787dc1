"""Workers that stay for a whole night's work: libraries and models take seconds to load, each time that they come."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import partial

from pipelines.engines.buckets import Workers


class Staff:
    """An engine's workers, asked for once and kept until `close`, or until one is lost.

    Args:
        hire: Gives the engine's workers.
    """

    def __init__(self, hire: Callable[[], Workers]) -> None:
        self._hire = hire
        self._hired: Workers | None = None
        self._there: Executor | None = None
        self._stack = ExitStack()

    def __call__(self) -> Workers:
        """The workers.

        Raises:
            EngineError: There are none.
        """
        if self._hired is None:
            self._hired = self._hire()
        return Workers(partial(self._at_work, self._hired), self._hired.count)

    def close(self) -> None:
        """Let them go."""
        self._there = None
        self._stack.close()

    @contextmanager
    def _at_work(self, hired: Workers) -> Iterator[Executor]:
        if self._there is None:
            self._there = self._stack.enter_context(hired.start())
        try:
            yield self._there
        except BaseException:
            self.close()
            raise
