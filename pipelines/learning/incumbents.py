"""The models that serve, as rivals of those that are trained."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from configs.app import App
from configs.errors import NightquestError
from models.contest.promotion import Incumbent
from models.portable import OutdatedModelError
from models.task import BinaryTask
from models.tasks import binary_tasks
from models.tasks.segments import SegmentModel, Segments
from models.tracking.registry import Registry
from pipelines.learning.outdated import OTHER_VERSION, unfit
from pipelines.players.segments import suits


def incumbents(
    registry: Registry, app: App, night: dt.date, wanted: Collection[str] | None = None
) -> dict[str, Incumbent]:
    """The champions at a night, by task, of those wanted (None: all); one that cannot serve any more says why.

    One that knew the night's day already is no rival of a model for that night.
    """
    found = {
        task.name: _incumbent(registry, app, task, night)
        for task in binary_tasks()
        if wanted is None or task.name in wanted
    }
    return {name: each for name, each in found.items() if each is not None}


def serving_segments(registry: Registry, app: App, night: dt.date) -> tuple[str, SegmentModel] | None:
    """The mixtures that serve before a night, and their name for people; None where none do that suit the app."""
    try:
        loaded = registry.load(app.app, Segments.name)
    except (NightquestError, OutdatedModelError):
        return None
    if loaded is None or not isinstance(loaded.model, SegmentModel) or not suits(app, loaded.model):
        return None
    return (f"version {loaded.version}", loaded.model) if max(loaded.data_window.values()) < night else None


def _incumbent(registry: Registry, app: App, task: BinaryTask[Any], night: dt.date) -> Incumbent | None:
    version = registry.champion(app.app, task.name)
    if version is None:
        return None
    name = f"version {version}"
    try:
        loaded = registry.load(app.app, task.name)
    except OutdatedModelError:
        return Incumbent(name, None, dt.date.max, f"is {OTHER_VERSION}")
    except NightquestError as error:
        return Incumbent(name, None, dt.date.max, f"cannot be read: {error.message}")
    if loaded is None:
        return None
    trained_to = max(loaded.data_window.values())
    if trained_to >= night:
        return None
    why = unfit(app, task.name, loaded.model, loaded.parameters)
    tries = registry.challenged(app.app, task.name, version)
    return Incumbent(name, loaded.model, trained_to, f"is {why}" if why else "", version, tries)
