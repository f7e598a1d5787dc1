"""How long a piece of work may take."""

import math
import time
from typing import Self


class Budget:
    """Time that runs from when it is made.

    Args:
        seconds: How long; None is for ever.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self._ends = time.monotonic() + self.seconds

    @property
    def bounded(self) -> bool:
        """Whether it ends."""
        return math.isfinite(self.seconds)

    @property
    def left(self) -> float:
        """Seconds left, 0 when it is over."""
        return max(self._ends - time.monotonic(), 0.0)

    def share(self, of: int) -> Self:
        """An equal part of what is left."""
        return type(self)(self.left / max(of, 1) if self.bounded else None)


FOR_EVER = Budget()
