"""Which models serve the night: the registry's champions, or fallbacks that say so."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from models.learned import LearnedModel
from models.portable import OutdatedModelError
from models.tasks import binary_tasks, tasks
from models.tasks.segments import SegmentModel, Segments
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels
from pipelines.learning.outdated import edited_since
from pipelines.learning.training import SEED, learn_models
from pipelines.night.open_night import Tonight
from pipelines.night.score import Served
from pipelines.players.segments import suits
from pipelines.publish.health import Fault, models_gone, registry_fault
from pipelines.stores import has_registry, open_registry

if TYPE_CHECKING:
    from models.tracking.registry import LoadedModel, Registry

_OTHER_VERSION = "of another version of Nightquest"


@dataclass(frozen=True)
class Champions:
    """The models that serve, and a note for every fallback among them.

    Attributes:
        challenges: Those that planning needs.
        others: Those of every other task, by name.
    """

    challenges: ChallengeModels
    segments: SegmentModel | None
    notes: tuple[str, ...]
    segment_version: str = ""
    others: Mapping[str, Served] = field(default_factory=dict)

    def told(self) -> dict[str, str]:
        """By task, which version serves, or `fallback`."""
        planning = zip(PLANNED_WITH, self.challenges.versions, strict=True)
        told = {name: version or "fallback" for name, version in planning}
        told |= {name: each.version for name, each in self.others.items()}
        return told | {Segments.name: self.segment_version or "fallback"}


@dataclass(frozen=True)
class Looked:
    """What the registry has for a task at a night.

    Attributes:
        loaded: The version that serves; None where none does.
        why: What else the registered one is, so that it does not serve: 'of an older app file'; empty otherwise.
        later: The version that serves today and was trained on later days; 0 where there is none.
        fault: A sentence about files that cannot be read.
    """

    loaded: "LoadedModel | None" = None
    why: str = ""
    later: int = 0
    fault: str = ""

    @property
    def served(self) -> Served | None:
        """The model that serves, with its version."""
        if self.loaded is None or not isinstance(self.loaded.model, LearnedModel):
            return None
        return Served(self.loaded.model, f"{self.loaded.name}/{self.loaded.version}")


def load_champions(tonight: Tonight) -> Champions:
    """The registry's champions, or for a night of before their time those of then.

    Where planning misses one, a fallback learned on the spot and a note that says so.
    """
    lost, gone = _lost_models(tonight)
    found, unborn = _registered(tonight, gone)
    models, notes = _planning(tonight, found, lost, unborn)
    others = {name: each.served for name, each in found.items() if each.served and name not in PLANNED_WITH}
    if not notes:
        notes += _missing(tonight, found)
    segments, version, told = _segments(tonight, found.get(Segments.name, Looked()))
    if lost and not notes:
        notes.append(f"{lost.message} {lost.remedy}")
    return Champions(models, segments, (*tasks().faults, *notes, *told), version, others)


def _planning(
    tonight: Tonight, found: Mapping[str, Looked], lost: Fault | None, unborn: str
) -> tuple[ChallengeModels, list[str]]:
    """What planning serves with, and why if that was learned on the spot."""
    plays, attainment = (found.get(name, Looked()) for name in PLANNED_WITH)
    if plays.served and attainment.served:
        versions = (plays.served.version, attainment.served.version)
        return ChallengeModels(plays.served.model, attainment.served.model, versions), []
    learned = learn_models(tonight.known, seed=SEED)
    why = f"The trained models are {plays.why or attainment.why}"
    if lost or unborn:
        why = lost.message.rstrip(".") if lost else unborn
    elif not (plays.why or attainment.why):
        why = "No trained model serves yet"
    app, as_of = tonight.night.app.app, tonight.night.as_of
    again = command("train", "--as-of", as_of, app=app) if unborn else command("train", app=app)
    remedy = lost.remedy if lost else f"Run: {again}"
    return learned.models, [f"{why}, so this night learned its own. {remedy}", *learned.notes]


def _segments(tonight: Tonight, looked: Looked) -> tuple[SegmentModel | None, str, list[str]]:
    """The segment model and its version, and why it does not serve or there is none."""
    app, loaded = tonight.night.app, looked.loaded
    if loaded is None or not isinstance(loaded.model, SegmentModel):
        return None, "", ["No segment model serves: segments follow the quantiles of the score."]
    if suits(app, loaded.model):
        return loaded.model, f"{loaded.name}/{loaded.version}", []
    again = command("train", app=app.app)
    return loaded.model, "", [f"The segment model is of an older app file and does not serve. Run: {again}"]


def _missing(tonight: Tonight, found: Mapping[str, Looked]) -> list[str]:
    """A sentence for the tasks beside planning's whose scores nobody gives, those with one reason together."""
    app = tonight.night.app.app
    newest, of_then = command("train", app=app), command("train", "--as-of", tonight.night.as_of, app=app)
    faults, reasons = list[str](), dict[tuple[str, str, str], list[str]]()
    for task in binary_tasks():
        looked = found.get(task.name, Looked())
        again = f"Run: {of_then if looked.later else newest}"
        if looked.fault:
            faults.append(f"{looked.fault} {again}")
        elif task.name not in PLANNED_WITH and not looked.served:
            reasons.setdefault((*_why_none(looked), again), []).append(task.name)
    for (model, why, again), names in reasons.items():
        faults.append(f"{model} of {' and '.join(names)} {why}, so this night has no scores of it. {again}")
    return faults


def _why_none(looked: Looked) -> tuple[str, str]:
    """Why nothing serves a task: how its sentence begins, and how it goes on after the task."""
    if looked.later:
        return "The model", "that serves today was trained on later days"
    return ("The model", f"is {looked.why}") if looked.why else ("No model", "serves yet")


def _registered(tonight: Tonight, gone: Sequence[str]) -> tuple[dict[str, Looked], str]:
    """What serves each task at the night, and why later champions do not; empty where there are none.

    A store that was never made is not made for a look, which takes MLflow seconds.
    """
    app, night = tonight.night.app, tonight.night.as_of
    if not has_registry(tonight.settings):
        return {}, ""
    registry = open_registry(tonight.settings)
    serving = registry.champions(app.app)
    wanted = [name for name in tasks().by_name if name not in gone]
    found = {name: look(registry, app, name, night) if name in serving else Looked() for name in wanted}
    planning = (*PLANNED_WITH, Segments.name)
    later = [f"{name} version {each.later}" for name, each in found.items() if name in planning and each.later]
    return found, f"What serves today ({', '.join(later)}) was trained on later days" if later else ""


def look(registry: "Registry", app: App, name: str, night: dt.date) -> Looked:
    """What serves a task.

    Raises:
        NightquestError: The files of a model that planning needs are not what was registered.
    """
    try:
        loaded = registry.load_for(app.app, name, night)
    except OutdatedModelError:
        return Looked(why=_OTHER_VERSION)
    except NightquestError as error:
        if name in (*PLANNED_WITH, Segments.name):
            raise
        return Looked(fault=error.message)
    if loaded is None:
        return Looked(later=registry.champion(app.app, name) or 0)
    if not isinstance(loaded.model, LearnedModel):
        return Looked(loaded)
    if loaded.model.outdated:
        return Looked(why=_OTHER_VERSION)
    edited = edited_since(app, loaded.model, loaded.parameters)
    return Looked(why=f"of an older app file ({edited})") if edited else Looked(loaded)


def _lost_models(tonight: Tonight) -> tuple[Fault | None, list[str]]:
    """What is wrong with a registry under home, and the tasks whose champion's files are gone."""
    home, app = tonight.settings.home, tonight.night.app.app
    if tonight.settings.mlflow_uri is not None:
        return None, []
    lost = registry_fault(home, app)
    return lost, models_gone(home, app) if lost else []
