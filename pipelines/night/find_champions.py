"""Which version serves each task tonight: the registry's champion, or where it cannot be had the one that was kept."""

import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from models.learned import LearnedModel
from models.portable import OutdatedModelError
from models.tasks import tasks
from models.tasks.segments import Segments
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.learning.outdated import OTHER_VERSION, unfit
from pipelines.night.open_night import Tonight
from pipelines.night.score import Served
from pipelines.publish.health import Fault, models_gone, registry_fault
from pipelines.stores import has_registry, kept_champions, open_registry

if TYPE_CHECKING:
    from models.tracking.kept import KeptChampions
    from models.tracking.registry import LoadedModel, Registry

_NEEDED = (*PLANNED_WITH, Segments.name)


@dataclass(frozen=True)
class ChampionLookup:
    """What the registry has for a task at a night.

    Attributes:
        loaded: The version that serves; None where none does.
        why: What keeps the registered version from serving, such as 'of an older app file'; empty otherwise.
        later: The version that serves today and was trained on later days; 0 where there is none.
        fault: A sentence about files that cannot be read.
        untrained: Where nothing serves, which training made no model and why, as part of a sentence.
    """

    loaded: "LoadedModel | None" = None
    why: str = ""
    later: int = 0
    fault: str = ""
    untrained: str = ""

    @property
    def served(self) -> Served | None:
        """The model that serves, with its version."""
        if self.loaded is None or not isinstance(self.loaded.model, LearnedModel):
            return None
        return Served(self.loaded.model, f"{self.loaded.name}/{self.loaded.version}")


@dataclass(frozen=True)
class FoundChampions:
    """What there is for a night.

    Attributes:
        looked: By task.
        lost: What is wrong with the registry.
        kept: Tasks served by the champion that was kept of them, since the registry's cannot be had.
        notes: A sentence for what was kept and is damaged, or cannot be kept.
    """

    looked: Mapping[str, ChampionLookup] = field(default_factory=dict)
    lost: Fault | None = None
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def unborn(self) -> str:
        """Why later champions do not serve; empty where there are none."""
        later = [f"{name} version {each.later}" for name, each in self.looked.items() if name in _NEEDED and each.later]
        return f"What serves today ({', '.join(later)}) was trained on later days" if later else ""

    def told_of_kept(self) -> str:
        """That champions serve as they were kept, and why; empty where none do."""
        if not self.kept or self.lost is None:
            return ""
        loaded = ((name, self.looked[name].loaded) for name in self.kept)
        versions = ", ".join(f"{name} version {each.version}" for name, each in loaded if each)
        return f"{self.lost.message} Champions serve as a night before kept them: {versions}. {self.lost.remedy}"


def find_champions(tonight: Tonight, *, keep: bool) -> FoundChampions:
    """What serves each task.

    A store that was never made is not made for a look, which takes MLflow seconds.

    Args:
        tonight: The night.
        keep: What the registry says serves, and why nothing does, is kept under home, for a night that cannot reach it.
    """
    search = _Search(tonight)
    looked = {name: search.look(name) for name in tasks().by_name}
    if keep:
        search.keep(looked)
    return FoundChampions(looked, search.lost, tuple(search.stood_in), tuple(search.notes))


class _Search:
    """Where a night's champions are looked for: the registry, and what was kept of it.

    Attributes:
        lost: What is wrong with the registry.
        stood_in: Tasks whose champion is the one that was kept.
        notes: A sentence for what was kept and is damaged, or cannot be kept.
    """

    def __init__(self, tonight: Tonight) -> None:
        self._app, self._night, self._kept = tonight.night.app, tonight.night.as_of, kept_champions(tonight.settings)
        self.lost, self._gone = _lost_models(tonight)
        self.stood_in, self.notes = list[str](), list[str]()
        self._registry: Registry | None = None
        self._serving: dict[str, int] = {}
        self._untrained: dict[str, str] = {}
        if has_registry(tonight.settings):
            try:
                self._registry = open_registry(tonight.settings)
                self._serving = self._registry.champions(self._app.app)
                self._untrained = self._registry.untrained(self._app.app)
            except NightquestError as error:
                self.lost = self.lost or self._fault(error)
        if self.lost and not self._untrained:
            self._untrained = self._kept.untrained(self._app.app)

    def look(self, name: str) -> ChampionLookup:
        """What serves a task; what planning needs and cannot be had is a fault of the registry."""
        if self._registry is None or name not in self._serving or name in self._gone:
            return (self._from_kept(name) if self.lost else None) or ChampionLookup(
                untrained=self._untrained.get(name, "")
            )
        try:
            looked, needed = look(self._registry, self._app, name, self._night), None
        except NightquestError as error:
            looked, needed = ChampionLookup(fault=error.message), error
        if looked.fault and (found := self._from_kept(name, self._serving[name])):
            self.lost = self.lost or self._fault(needed or NightquestError(looked.fault))
            return found
        if needed:
            self.lost = self.lost or self._fault(needed)
        return looked

    def keep(self, looked: Mapping[str, ChampionLookup]) -> None:
        """Keep what the registry says serves, and forget what does not any more."""
        if self._registry is None or self.lost:
            return
        with self._told("Why trainings made no model"):
            self._kept.keep_untrained(self._app.app, self._untrained)
        for name, each in looked.items():
            with self._told(f"The champion of {name}"):
                if name not in self._serving:
                    self._kept.forget(self._app.app, name)
                elif each.loaded is not None and each.loaded.version == self._serving[name]:
                    self._kept.keep(self._app.app, name, each.loaded)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """What cannot be written is told, and the night goes on."""
        try:
            yield
        except OSError as error:
            self.notes.append(f"{what} cannot be kept for a night without the registry: {error}.")

    def _from_kept(self, name: str, version: int | None = None) -> ChampionLookup | None:
        """What was kept of a task, of this version where one is named; None where it does not serve."""
        try:
            found = look(self._kept, self._app, name, self._night)
        except NightquestError as error:
            found = ChampionLookup(fault=error.message)
        if found.fault:
            self.notes.append(found.fault)
        if found.loaded is None or version not in (None, found.loaded.version):
            return None
        self.stood_in.append(name)
        return found

    def _fault(self, error: NightquestError) -> Fault:
        remedy = error.remedy or f"Run: {command('train', app=self._app.app)}"
        return Fault(self._app.app, "registry", error.message, remedy)


def look(registry: "Registry | KeptChampions", app: App, name: str, night: dt.date) -> ChampionLookup:
    """What serves a task, as the registry says or what was kept of it.

    Raises:
        NightquestError: The files of a model that planning needs are not what was registered.
    """
    try:
        loaded = registry.load_for(app.app, name, night)
    except OutdatedModelError:
        return ChampionLookup(why=OTHER_VERSION)
    except NightquestError as error:
        if name in _NEEDED:
            raise
        return ChampionLookup(fault=error.message)
    if loaded is None:
        later = registry.champion(app.app, name) or 0
        return ChampionLookup(later=later, untrained="" if later else registry.untrained(app.app).get(name, ""))
    why = unfit(app, name, loaded.model, loaded.parameters)
    return ChampionLookup(why=why) if why else ChampionLookup(loaded)


def none_yet(name: str, looked: ChampionLookup, again: str) -> tuple[str, str]:
    """A sentence that nothing serves a task, with the reason if a training left one, and the remedy."""
    if looked.untrained:
        return (
            f"No model of {name} serves, since {looked.untrained}.",
            f"Once the reason is gone, {again[0].lower()}{again[1:]}",
        )
    return f"No model of {name} serves yet.", again


def _lost_models(tonight: Tonight) -> tuple[Fault | None, list[str]]:
    """What is wrong with a registry under home, and the tasks whose champion's files are gone."""
    home, app = tonight.settings.home, tonight.night.app.app
    if tonight.settings.mlflow_uri is not None:
        return None, []
    lost = registry_fault(home, app)
    with suppress(sqlite3.Error):  # a damaged one is told as such
        return lost, models_gone(home, app) if lost else []
    return lost, []
