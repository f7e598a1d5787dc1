"""One thread for small matrices: threads that wait for each other spin, at ten times the cost on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra and OpenMP to one thread, inside a `with` or for a decorated function."""
    with threadpool_limits(limits=1):
        yield
