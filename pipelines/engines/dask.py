"""An existing Dask cluster, at NIGHTQUEST_DASK_ADDRESS; its workers have Nightquest installed, in the same version."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from typing import Any

from configs.settings import Settings
from models.cluster import ClusterError, connect
from pipelines.engines.workers import EngineError, Workers


def workers(settings: Settings) -> Workers:
    """The cluster's threads."""
    address = settings.dask_address
    if not address:
        raise EngineError("has no scheduler: set NIGHTQUEST_DASK_ADDRESS to its address, like tcp://scheduler:8786")
    return Workers(lambda: _executor(address), _threads(address), lambda: _threads(address))


def _threads(address: str) -> int:
    with _client(address) as client:
        return sum(client.nthreads().values())


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection.

    Raises:
        EngineError: Nobody answers, or nobody works there.
    """
    with ExitStack() as stack:
        try:
            client = stack.enter_context(connect(address))
        except ClusterError as error:
            raise EngineError(str(error)) from error
        yield client


@contextmanager
def _executor(address: str) -> Iterator[Executor]:
    with _client(address) as client:
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)  # else it waits for what nobody works on any more
