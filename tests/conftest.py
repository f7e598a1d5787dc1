"""Keep every test away from the real home folder, the network and telemetry."""

import os
import tempfile

from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.language_server.fixture import language_server, language_server_process

__all__ = ["language_server", "language_server_process"]

# The same examples every time, so that a test that passes here passes elsewhere: pytest --hypothesis-profile=default
# looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


class ByServer(LoadScopeScheduling):
    """Keeps a file's tests in one process, and all of tests/flows, which share a Prefect server."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return "tests/flows" if file.startswith("tests/flows/") else file


def pytest_xdist_make_scheduler(config, log):
    return ByServer(config, log)


_SCRATCH = tempfile.mkdtemp(prefix="nightquest-tests-")
os.environ.update(
    PREFECT_HOME=f"{_SCRATCH}/prefect",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="WARNING",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_MODEL_CATALOG_URI="",
    MPLBACKEND="Agg",
    # As flows/server/environment.py has it, and before any test imports numpy.
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
)
for _name in [name for name in os.environ if name.startswith("NIGHTQUEST_")]:
    del os.environ[_name]
