"""The note that a running `nightquest serve` leaves under home, so that commands record their runs with it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

NOTE = "serve.json"


@dataclass(frozen=True)
class Serving:
    """A running `serve`: its process, when that began (process ids come again), and its addresses."""

    pid: int
    started_at: float
    prefect_url: str
    mlflow_url: str

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return f"{self.prefect_url}/api"


def note_serving(home: Path, prefect_url: str, mlflow_url: str) -> None:
    """Say that this process serves."""
    me = psutil.Process()
    serving = Serving(me.pid, me.create_time(), prefect_url, mlflow_url)
    (home / NOTE).write_text(json.dumps(asdict(serving)), encoding="utf-8")


def forget_serving(home: Path) -> None:
    """Take the note away."""
    (home / NOTE).unlink(missing_ok=True)


def find_serving(home: Path) -> Serving | None:
    """The `serve` that is alive on this home folder, if there is one."""
    try:
        serving = Serving(**json.loads((home / NOTE).read_text(encoding="utf-8")))
        return serving if abs(psutil.Process(serving.pid).create_time() - serving.started_at) < 1 else None
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
