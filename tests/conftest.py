"""Keep every test away from the real home folder, the network and telemetry."""

import os
import tempfile

import pytest
from hypothesis import settings

from tests.language_server.fixture import language_server, language_server_process

__all__ = ["language_server", "language_server_process"]

# The same examples every time, so that a test that passes here passes elsewhere: pytest --hypothesis-profile=default
# looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep a file's tests in one process, and all of tests/flows, which share a Prefect server."""
    for item in items:
        group = "flows" if item.path.parent.name == "flows" else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


_SCRATCH = tempfile.mkdtemp(prefix="nightquest-tests-")
os.environ.update(
    PREFECT_HOME=f"{_SCRATCH}/prefect",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="WARNING",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_MODEL_CATALOG_URI="",
    MPLBACKEND="Agg",
)
for _name in [name for name in os.environ if name.startswith("NIGHTQUEST_")]:
    del os.environ[_name]
