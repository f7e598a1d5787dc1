"""Champions as they served, kept as files under home: a night that cannot reach the registry is served by them.

They are written in the models' own plain files, and checked against their checksums before they are read. Beside them
stands why others have none.
"""

import datetime as dt
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.errors import NightquestError
from data.whole_files import whole_file
from models.portable import load_json, load_model, save_json, save_model
from models.tracking.registry import LoadedModel
from models.tracking.sealed import checksums, verify
from models.tracking.which_serves import Candidate

FILES, SUMS, TOLD = "files", "sha256.json", "told.json"
UNTRAINED = "untrained.json"  # beside the folders of an app's tasks


class KeptChampions:
    """The champion of each task that served last; it is asked as the registry is.

    Args:
        folder: Has a folder for each app and task, made when a champion is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, app: str, task: str, loaded: LoadedModel) -> None:
        """Keep a champion in place of the one before; one that lies there whole stays as it is."""
        place = self._folder / app / task
        if self.champion(app, task) == loaded.version:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{task}-", dir=place.parent) as scratch:
            new = Path(scratch) / task
            save_model(new / FILES, loaded.model)
            save_json(new / FILES / TOLD, _told(loaded))
            save_json(new / SUMS, checksums(new / FILES))
            shutil.rmtree(place, ignore_errors=True)
            new.rename(place)

    def forget(self, app: str, task: str) -> None:
        """Keep nothing of a task: nobody serves it any more."""
        shutil.rmtree(self._folder / app / task, ignore_errors=True)

    def champion(self, app: str, task: str) -> int | None:
        """The version that is kept of a task; None where none is, or its files are not what they were."""
        try:
            told = self._checked(app, task)
        except NightquestError:
            return None
        return int(told["version"]) if told else None

    def keep_untrained(self, app: str, told: Mapping[str, str]) -> None:
        """Keep by task why the newest training made no model, in place of what was kept before."""
        place = self._folder / app / UNTRAINED
        if self.untrained(app) == told:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as part:
            save_json(part, dict(told))

    def untrained(self, app: str) -> dict[str, str]:
        """What was kept of it; nothing where that is damaged, since no night rests on it."""
        try:
            told = load_json(self._folder / app / UNTRAINED)
        except (OSError, ValueError):
            return {}
        return {str(task): str(why) for task, why in told.items()} if isinstance(told, dict) else {}

    def load_for(self, app: str, task: str, night: dt.date) -> LoadedModel | None:
        """The version that is kept of a task, where it may serve a night; None where there is none.

        Raises:
            NightquestError: Its files are not what they were, or this version of Nightquest cannot read them.
        """
        told = self._checked(app, task)
        if told is None:
            return None
        window = {name: dt.date.fromisoformat(day) for name, day in told["data_window"].items()}
        first = dt.date.fromisoformat(told["first_night"]) if told["first_night"] else None
        trained_to = max(window.values(), default=None)
        if not Candidate(told["version"], trained_to, first, promoted=True).may_serve(night):
            return None
        return LoadedModel(
            name=told["name"],
            version=told["version"],
            model=load_model(self._folder / app / task / FILES),
            parameters=told["parameters"],
            data_window=window,
            app_hash=told["app_hash"],
            first_night=first,
        )

    def _checked(self, app: str, task: str) -> dict[str, Any] | None:
        """What is told of a champion that is kept, whose files are what they were; None where none is.

        Raises:
            NightquestError: They are not.
        """
        place = self._folder / app / task
        if not place.exists():
            return None
        try:
            expected = (place / SUMS).read_text(encoding="utf-8")
            verify(place / FILES, expected, f"champion of {app}.{task} that was kept")
            return load_json(place / FILES / TOLD)
        except (OSError, ValueError) as error:
            raise NightquestError(f"The champion of {app}.{task} that was kept is damaged: {error}.") from error


def _told(loaded: LoadedModel) -> dict[str, Any]:
    return {
        "name": loaded.name,
        "version": loaded.version,
        "parameters": loaded.parameters,
        "data_window": {name: day.isoformat() for name, day in loaded.data_window.items()},
        "app_hash": loaded.app_hash,
        "first_night": loaded.first_night.isoformat() if loaded.first_night else None,
    }
