"""How much memory DuckDB may take, and what goes back to the system."""

import ctypes
from collections.abc import Callable
from functools import cache

import psutil

MEMORY_GB = 2.0  # for DuckDB, where nobody says otherwise


def most_memory(memory_gb: float = MEMORY_GB) -> int:
    """Bytes for DuckDB: never more than it would take by itself."""
    return min(int(memory_gb * 2**30), psutil.virtual_memory().total * 8 // 10)


def give_back() -> None:
    """Memory that was freed goes back to the system, where the C library has a way (glibc's malloc_trim)."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
