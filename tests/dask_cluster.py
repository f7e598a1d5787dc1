"""A Dask cluster of two worker processes on this machine, for all files that need one."""

import pytest


@pytest.fixture(scope="session")
def cluster():
    """The scheduler's side of it; its address is `scheduler_address`."""
    from distributed import LocalCluster  # noqa: PLC0415

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as started:
        yield started
