"""An app with trained models that serve and a night made with them, made once for all files that need models."""

import datetime as dt
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from pipelines.learning.job import run_train
from tests.flows.world import PUZZLES, START, write_app, write_events
from tests.pipelines.nights import now, serve_night

FIRST, NEXT = START + dt.timedelta(days=34), START + dt.timedelta(days=35)
APP: dict[str, Any] = {
    **PUZZLES,
    "cohorts": {"min_players": 20},
    "calendar": [{"title": "Finals", "kind": "exam", "on": str(NEXT + dt.timedelta(days=3))}],
    "content": {"types": ["daily_challenge", "motivational_message", "custom_achievement", "adaptive_mission"]},
}
FILE = "Club copy (2).yaml"  # not what the app is called


@dataclass(frozen=True)
class Trained:
    """Read it where it lies, or copy it.

    Attributes:
        home: Trained as of FIRST, whose night is out and recorded.
        steps: What training told of its progress.
        versions: What training registered, by task.
        night: The folder of the night that was published.
    """

    loaded: LoadedApp
    home: Path
    steps: list[tuple[str, int, int]]
    versions: dict[str, int]
    night: Path

    def copy(self, folder: Path) -> Settings:
        """A home of a test's own."""
        shutil.copytree(self.home, folder / "home")
        return Settings(home=folder / "home", tuning_s=0)


def make_trained(folder: Path) -> None:
    """Ingest, train and run a night; what they told is written beside."""
    loaded, settings = (
        load_app(str(write_app(folder, **APP).rename(folder / FILE))),
        Settings(home=folder / "home", tuning_s=0),
    )
    run_ingest(settings, loaded, [write_events(folder, players=45)], history=True, players=False, now=now())
    steps: list[tuple[str, int, int]] = []
    trained = run_train(settings, loaded, as_of=FIRST, now=now(), progress=lambda *step: steps.append(step))
    report = serve_night(settings, loaded, FIRST, record=True)
    assert not any("learned its own" in note for note in report.notes)
    told = {"steps": steps, "versions": dict(trained.versions), "night": str(report.path)}
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


def read_trained(folder: Path) -> Trained:
    """What `make_trained` made."""
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    steps = [(name, place, of) for name, place, of in told["steps"]]
    return Trained(load_app(str(folder / FILE)), folder / "home", steps, told["versions"], Path(told["night"]))
