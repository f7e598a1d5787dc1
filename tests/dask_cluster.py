"""A Dask cluster of two worker processes on this machine, for the files that need one.

It is stopped after each: standing idle it takes a fifteenth of a core, starting it a second and a half.
"""

import pytest


@pytest.fixture(scope="module")
def cluster():
    """The scheduler's side of it; its address is `scheduler_address`."""
    from distributed import LocalCluster  # noqa: PLC0415

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as started:
        yield started
