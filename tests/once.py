"""What takes long to make and many files need: made once in a run of tests, by whichever process comes first."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.prompt import read_prompts
from models.tracking.prompts import PromptRegistry
from models.tracking.store import Tracking


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name, filled by `make`, for all processes of the run; read it, or copy it to change it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / f"once-{name}", shared / f"once-{name}.done"
    with (shared / f"once-{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a process left that failed over it
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def tracked_home(factory: pytest.TempPathFactory, home: Path) -> Path:
    """A home with MLflow's empty tables, which take seconds to make, in it."""
    made = made_once(factory, "mlflow", lambda folder: Tracking(f"sqlite:///{folder}/mlflow.db", None))
    home.mkdir(exist_ok=True)
    shutil.copy(made / "mlflow.db", home)
    return home


def prompted_home(factory: pytest.TempPathFactory, home: Path) -> Path:
    """As `tracked_home`, with the prompts of the files registered, which takes a first night half a second."""

    def register(folder: Path) -> None:
        tracked_home(factory, folder)
        PromptRegistry(Tracking(f"sqlite:///{folder}/mlflow.db", None)).register(read_prompts())

    made = made_once(factory, "prompts", register)
    home.mkdir(exist_ok=True)
    shutil.copy(made / "mlflow.db", home)
    return home
