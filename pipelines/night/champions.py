"""Which models serve the night: the registry's champions, or fallbacks that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.commands import command
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
    """The registry's champions, or for a night of before their time those of then.

    Where one is missing, a fallback learned on the spot and a note that says so.
    """
    app = tonight.night.app
    lost, gone = _lost_models(tonight)
    (plays, attainment, segments), unborn = _registered(tonight, gone)
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
        learned = learn_models(tonight.known, seed=SEED)
        models = learned.models
        why = _why_none_serves(lost, unborn, edited, trained=plays is not None and attainment is not None)
        again = command("train", app=app.app)
        if unborn:
            again = command("train", "--as-of", tonight.night.as_of, app=app.app)
        remedy = lost.remedy if lost else f"Run: {again}"
        notes += [f"{why}, so this night learned its own. {remedy}", *learned.notes]
    model = segments.model if segments and isinstance(segments.model, SegmentModel) else None
    if model is not None and not suits(app, model):
        again = command("train", app=app.app)
        notes.append(f"The segment model is of an older app file and does not serve. Run: {again}")
    if lost and not notes:
        notes.append(f"{lost.message} {lost.remedy}")
    if model is None:
        notes.append("No segment model serves: segments follow the quantiles of the score.")
    version = f"{segments.name}/{segments.version}" if segments and model is not None and suits(app, model) else ""
    return Champions(models, model, tuple(notes), version)


def _registered(tonight: Tonight, gone: Sequence[str]) -> tuple[tuple["LoadedModel | None", ...], str]:
    """What serves each of TASKS at the night, and why later champions do not; empty where there are none.

    A store that was never made is not made for a look, which takes MLflow seconds.
    """
    app, night = tonight.night.app.app, tonight.night.as_of
    if not has_registry(tonight.settings):
        return (None,) * len(TASKS), ""
    registry = open_registry(tonight.settings)
    found = {task: None if task in gone else registry.load_for(app, task, night) for task in TASKS}
    later = [
        f"{task} version {version}"
        for task, serves in found.items()
        if serves is None and task not in gone and (version := registry.champion(app, task)) is not None
    ]
    unborn = f"What serves today ({', '.join(later)}) was trained on later days" if later else ""
    return tuple(found.values()), unborn


def _why_none_serves(lost: Fault | None, unborn: str, edited: str, *, trained: bool) -> str:
    if lost or unborn:
        return lost.message.rstrip(".") if lost else unborn
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
