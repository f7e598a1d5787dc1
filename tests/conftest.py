"""Keep every test away from the real home folder, the network and telemetry."""

import os
import tempfile

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
