"""Other libraries' own settings. They read the environment when they are imported, so this comes first.

What numpy and polars read stands in `flows/__init__.py`, since flows load them before their home is known.
"""

import os
import sys

from configs.settings import Settings


def prepare(settings: Settings) -> None:
    """Point MLflow and the flows at the home folder, and let nothing leave the machine."""
    os.environ |= {
        "NIGHTQUEST_HOME": str(settings.home.absolute()),  # where flows find it, those that Prefect starts among them
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_MODEL_CATALOG_URI": "",
        "MPLBACKEND": "Agg",
    }


def prepare_prefect(settings: Settings, *, api_url: str, verbose: bool = False) -> None:
    """Point Prefect at its API and the home folder, and keep it quiet.

    Raises:
        RuntimeError: Prefect was imported before.
    """
    if "prefect" in sys.modules:
        raise RuntimeError("Prefect has read its settings already")
    prepare(settings)
    os.environ |= {
        "PREFECT_HOME": str(settings.prefect_home),
        "PREFECT_API_URL": api_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
    if not verbose:
        # Prefect's log goes to its database in full; the terminal is ours.
        os.environ |= {
            f"PREFECT_LOGGING_HANDLERS_{name}_LEVEL": "CRITICAL" for name in ("CONSOLE", "CONSOLE_FLOW_RUNS")
        }
