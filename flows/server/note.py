"""The note that a running `nightquest serve` leaves under home, so that commands record their runs with it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from configs.commands import command
from flows.server.processes import answers
from pipelines.publish.health import Fault

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


def serving_faults(home: Path) -> Iterator[Fault]:
    """A note that a `serve` left which is gone, and servers of a running one that do not answer."""
    serving = find_serving(home)
    if serving is None:
        if (home / NOTE).exists():
            told = f"{home / NOTE} was left by a serve that runs no more."
            yield Fault("serve", "serve", told, f"Run: {command('doctor', '--mend')}")
        return
    for name, url in (("Prefect", f"{serving.api_url}/health"), ("MLflow", f"{serving.mlflow_url}/health")):
        if not answers(url):
            told = f"{name} at {url} does not answer, though serve runs as process {serving.pid}."
            yield Fault("serve", "server", told, f"Stop that process and run: {command('serve')}")


def _folder(home: Path) -> str:
    found = home.stat()
    return f"{found.st_dev}:{found.st_ino}"
