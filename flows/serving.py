"""The note that a running `nightquest serve` leaves under home, so that commands record their runs with it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

NOTE = "serve.json"


@dataclass(frozen=True)
class Serving:
    """A running `serve`.

    Attributes:
        started_at: When its process began; process ids come again.
        folder: The home folder as the file system knows it: the same after a move, another in a copy.
    """

    pid: int
    started_at: float
    prefect_url: str
    mlflow_url: str
    folder: str

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return f"{self.prefect_url}/api"


def note_serving(home: Path, prefect_url: str, mlflow_url: str) -> None:
    """Say that this process serves."""
    me = psutil.Process()
    serving = Serving(me.pid, me.create_time(), prefect_url, mlflow_url, _folder(home))
    (home / NOTE).write_text(json.dumps(asdict(serving)), encoding="utf-8")


def forget_serving(home: Path) -> None:
    """Take the note away."""
    (home / NOTE).unlink(missing_ok=True)


def find_serving(home: Path) -> Serving | None:
    """The `serve` that is alive on this home folder, if there is one."""
    try:
        serving = Serving(**json.loads((home / NOTE).read_text(encoding="utf-8")))
        lives = abs(psutil.Process(serving.pid).create_time() - serving.started_at) < 1
        return serving if lives and serving.folder == _folder(home) else None
    except (OSError, ValueError, TypeError, psutil.Error):
        return None


def _folder(home: Path) -> str:
    found = home.stat()
    return f"{found.st_dev}:{found.st_ino}"
