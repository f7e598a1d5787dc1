"""Which models serve the night: the registry's champions, or fallbacks that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.commands import command
from configs.settings import Settings
from models.tasks.attainment import AttainmentModel
from models.tasks.plays import PlaysModel
from models.tasks.segments import SegmentModel
from pipelines.challenges.propose import ChallengeModels
from pipelines.learning.outdated import edited_since
from pipelines.learning.training import SEED, learn_models
from pipelines.night.open_night import Tonight
from pipelines.players.segments import suits
from pipelines.publish.health import TASKS, Fault, models_gone, registry_fault
from pipelines.stores import has_registry, open_registry

if TYPE_CHECKING:
    from models.tracking.registry import LoadedModel


@dataclass(frozen=True)
class Champions:
    """The models that serve, and a note for every fallback among them."""

    challenges: ChallengeModels
    segments: SegmentModel | None
    notes: tuple[str, ...]
    segment_version: str = ""


def load_champions(tonight: Tonight) -> Champions:
    """The registry's champions; where one is missing, a fallback learned on the spot and a note that says so."""
    app = tonight.night.app
    lost, gone = _lost_models(tonight)
    plays, attainment, segments = _registered(tonight.settings, app.app, gone)
    notes: list[str] = []
    edited = ""
    if plays and attainment and isinstance(plays.model, PlaysModel):
        edited = edited_since(app, plays.model, attainment.parameters)
    if (
        plays
        and attainment
        and isinstance(plays.model, PlaysModel)
        and isinstance(attainment.model, AttainmentModel)
        and not (plays.model.outdated or attainment.model.outdated or edited)
    ):
        versions = (f"{plays.name}/{plays.version}", f"{attainment.name}/{attainment.version}")
        models = ChallengeModels(plays.model, attainment.model, versions)
    else:
        learned = learn_models(tonight.warehouse, tonight.night, seed=SEED)
        models = learned.models
        why = _why_none_serves(lost, edited, trained=plays is not None and attainment is not None)
        remedy = lost.remedy if lost else f"Run: {command('train', app=app.app)}"
        notes += [f"{why}, so this night learned its own. {remedy}", *learned.notes]
    found = segments.model if segments and isinstance(segments.model, SegmentModel) else None
    if found is not None and not suits(app, found):
        again = command("train", app=app.app)
        notes.append(f"The segment model is of an older app file and does not serve. Run: {again}")
    if lost and not notes:
        notes.append(f"{lost.message} {lost.remedy}")
    if found is None:
        notes.append("No segment model serves: segments follow the quantiles of the score.")
    version = f"{segments.name}/{segments.version}" if segments and found is not None and suits(app, found) else ""
    return Champions(models, found, tuple(notes), version)


def _registered(settings: Settings, app: str, gone: Sequence[str]) -> tuple["LoadedModel | None", ...]:
    """What serves each of TASKS; a store that was never made is not made for a look, which takes MLflow seconds."""
    if not has_registry(settings):
        return (None,) * len(TASKS)
    registry = open_registry(settings)
    return tuple(None if task in gone else registry.load(app, task) for task in TASKS)


def _why_none_serves(lost: Fault | None, edited: str, *, trained: bool) -> str:
    if lost:
        return lost.message.rstrip(".")
    if edited:
        return f"The trained models are of an older app file ({edited})"
    return "The trained models are of another version of Nightquest" if trained else "No trained model serves yet"


def _lost_models(tonight: Tonight) -> tuple[Fault | None, list[str]]:
    """What is wrong with a registry under home, and the tasks whose champion's files are gone."""
    home, app = tonight.settings.home, tonight.night.app.app
    if tonight.settings.mlflow_uri is not None:
        return None, []
    lost = registry_fault(home, app)
    return lost, models_gone(home, app) if lost else []
