"""A Dask cluster that learners are fitted on whose rows are too many for one thread of this machine."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.nouns import counted
from models.learner import Array, Learner, Sheet

LEAST_ROWS = 1_000_000  # below them a fit here ends sooner than the workers have agreed on who does what
ANSWERS_S = 10  # after which a scheduler is held to be gone
_log = logging.getLogger(f"nightquest.{__name__}")


class ClusterError(Exception):
    """A cluster cannot be used; says why, as what follows its name."""


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """A connection to a scheduler, which is the current one inside.

    Raises:
        ClusterError: The package is missing, nobody answers, or there are no workers.
    """
    try:
        from distributed import Client  # noqa: PLC0415 (it is there only where somebody has a cluster)
    except ImportError as error:
        raise ClusterError("needs the package distributed, which the extra dask installs") from error
    # What it logs of a scheduler that is gone is told by whoever asked it, in a sentence.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = _in_time(lambda: Client(address, timeout=ANSWERS_S, set_as_default=False))  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:  # the last where an address asks for keys that there are not
        raise ClusterError(
            f"does not answer at {address} ({error}): start a scheduler there, or correct NIGHTQUEST_DASK_ADDRESS"
        ) from error
    with client, client.as_current():  # the boosters' own code asks for the current one
        try:  # one that was killed starts again within seconds
            client.wait_for_workers(1, timeout=ANSWERS_S)
        except TimeoutError as error:
            raise ClusterError(f"has no workers at {address}: start some with: dask worker {address}") from error
        yield client


def _in_time(look: Callable[[], Any]) -> Any:
    """Connect in time: a client would wait for ever for something that listens there and is no scheduler.

    Raises:
        TimeoutError: That is so.
    """
    found = list[Any]()

    def try_it() -> None:
        try:
            found.append(look())
        except Exception as error:  # noqa: BLE001 (raised where it is waited for)
            found.append(error)

    thread = Thread(target=try_it, daemon=True)
    thread.start()
    thread.join(2 * ANSWERS_S)
    if not found:
        raise TimeoutError("what listens there is no scheduler")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


@dataclass
class Cluster:
    """Where learners are fitted that can be (`Learner.spreads`).

    Attributes:
        address: Of the scheduler.
        least_rows: With fewer a learner is fitted here.
        notes: A sentence for each learner that was fitted here since the cluster failed.
        fitted: The names of those that were fitted there, in order.
    """

    address: str
    least_rows: int = LEAST_ROWS
    notes: list[str] = field(default_factory=list)
    fitted: list[str] = field(default_factory=list)

    def fits(self, learner: Learner, sheet: Sheet, y: Array, weights: Array) -> bool:
        """Fit a learner there; False where it is to be fitted here."""
        if not learner.spreads or len(y) < self.least_rows:
            return False
        try:
            with connect(self.address) as client:
                learner.fit_on(client, sheet, y, weights)
        except Exception as error:  # noqa: BLE001 (whatever fails there, rows and learner are here)
            why = str(error) if isinstance(error, ClusterError) else f"failed ({type(error).__name__}: {error})"
            note = f"The cluster {why}; {learner.name} was fitted here."
            _log.warning("%s", note)
            if note not in self.notes:
                self.notes.append(note)
            return False
        _log.info("%s was fitted on %s at %s", learner.name, counted(len(y), "row"), self.address)
        self.fitted.append(learner.name)
        return True


def spread(client: Any, *arrays: NDArray[np.float64]) -> list[Any]:
    """Arrays of one height as Dask arrays, whose parts lie at the workers: of each the same rows at each."""
    return [_spread(client, sorted(client.nthreads()), each) for each in arrays]


def _spread(client: Any, workers: list[str], array: NDArray[np.float64]) -> Any:
    import dask.array as da  # noqa: PLC0415 (as above)
    from dask.delayed import delayed  # noqa: PLC0415 (as above)

    parts = np.array_split(array, len(workers))
    there = [client.scatter(part, workers=[at], hash=False) for part, at in zip(parts, workers, strict=True)]
    blocks = [
        da.from_delayed(delayed(future), part.shape, part.dtype) for future, part in zip(there, parts, strict=True)
    ]
    return da.concatenate(blocks)
