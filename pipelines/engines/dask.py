"""An existing Dask cluster, at NIGHTQUEST_DASK_ADDRESS; its workers have Nightquest installed, in the same version."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from configs.settings import Settings
from pipelines.engines.buckets import EngineError, Workers

_ANSWERS_S = 10  # after which a scheduler is held to be gone


def workers(settings: Settings) -> Workers:
    """The cluster's threads."""
    address = settings.dask_address
    if not address:
        raise EngineError("has no scheduler: set NIGHTQUEST_DASK_ADDRESS to its address, like tcp://scheduler:8786")
    with _client(address) as client:
        count = sum(client.nthreads().values())
    if not count:
        raise EngineError(f"has no workers at {address}")
    return Workers(lambda: _executor(address), count)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection.

    Raises:
        EngineError: Nobody answers.
    """
    try:
        from distributed import Client  # noqa: PLC0415 (it is there only where somebody has a cluster)
    except ImportError as error:
        raise EngineError("needs the package distributed, which the extra dask installs") from error
    try:
        client = Client(address, timeout=_ANSWERS_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise EngineError(f"does not answer at {address} ({error})") from error
    with client:
        yield client


@contextmanager
def _executor(address: str) -> Iterator[Executor]:
    with _client(address) as client, client.get_executor(pure=False) as executor:
        yield executor
