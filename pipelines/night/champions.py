"""Which models serve the night: the registry's champions, or fallbacks that say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from configs.commands import command
from models.tasks import binary_tasks, tasks
from models.tasks.segments import SegmentModel, Segments
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels
from pipelines.learning.training import SEED, learn_models
from pipelines.night.find_champions import ChampionLookup, FoundChampions, find_champions
from pipelines.night.open_night import Tonight
from pipelines.night.score import Served
from pipelines.players.segments import suits


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


def load_champions(tonight: Tonight, *, keep: bool = True) -> Champions:
    """The registry's champions; for a night before their time, those that served then.

    A model that the registry cannot give is replaced by the copy kept when it last served. Where planning still lacks
    one, a fallback is learned on the spot, and a note says so.

    Args:
        tonight: The night.
        keep: See `find_champions`; False for a look that is to leave nothing behind.
    """
    found = find_champions(tonight, keep=keep)
    models, notes = _planning(tonight, found)
    others = {name: each.served for name, each in found.looked.items() if each.served and name not in PLANNED_WITH}
    learned_its_own = bool(notes)
    notes += _damaged(tonight, found)
    if not learned_its_own:
        notes += _missing(tonight, found.looked)
        if found.lost:
            notes.insert(0, found.told_of_kept() or f"{found.lost.message} {found.lost.remedy}")
    segments, version, told = _segments(tonight, found.looked.get(Segments.name, ChampionLookup()))
    return Champions(models, segments, (*tasks().faults, *notes, *found.notes, *told), version, others)


def _planning(tonight: Tonight, found: FoundChampions) -> tuple[ChallengeModels, list[str]]:
    """What planning serves with, and why if that was learned on the spot."""
    plays, attainment = (found.looked.get(name, ChampionLookup()) for name in PLANNED_WITH)
    lost, unborn = found.lost, found.unborn
    if plays.served and attainment.served:
        versions = (plays.served.version, attainment.served.version)
        return ChallengeModels(plays.served.model, attainment.served.model, versions), []
    learned = learn_models(tonight.known, seed=SEED)
    why = f"The trained models are {plays.why or attainment.why}"
    if lost or unborn:
        why = lost.message.rstrip(".") if lost else unborn
    elif untrained := plays.untrained or attainment.untrained:
        why = f"No trained model serves: {untrained}"
    elif not (plays.why or attainment.why):
        why = "No trained model serves yet"
    app, as_of = tonight.night.app.app, tonight.night.as_of
    again = command("train", "--as-of", as_of, app=app) if unborn else command("train", app=app)
    remedy = lost.remedy if lost else _run(again, plays.untrained or attainment.untrained)
    return learned.models, [f"{why}, so this night learned its own. {remedy}", *learned.notes]


def _run(again: str, untrained: str) -> str:
    """The remedy: to train; where a training made no model already, once its reason is gone."""
    return f"Once the reason is gone, run: {again}" if untrained else f"Run: {again}"


def _segments(tonight: Tonight, looked: ChampionLookup) -> tuple[SegmentModel | None, str, list[str]]:
    """The segment model and its version, and why it does not serve or there is none."""
    app, loaded = tonight.night.app, looked.loaded
    if loaded is None or not isinstance(loaded.model, SegmentModel):
        why = looked.untrained or looked.fault[:1].lower() + looked.fault[1:].rstrip(".")
        since = f", since {why}" if why else ""
        return None, "", [f"No segment model serves{since}: segments follow the quantiles of the score."]
    if suits(app, loaded.model):
        return loaded.model, f"{loaded.name}/{loaded.version}", []
    again = command("train", app=app.app)
    return loaded.model, "", [f"The segment model is of an older app file and does not serve. Run: {again}"]


def _damaged(tonight: Tonight, found: FoundChampions) -> list[str]:
    """A sentence for each model whose files cannot be read, but for the one that is told already."""
    again = command("train", app=tonight.night.app.app)
    faults = (found.looked.get(task.name, ChampionLookup()).fault for task in binary_tasks())
    return [f"{fault} Run: {again}" for fault in faults if fault and not (found.lost and fault == found.lost.message)]


def _missing(tonight: Tonight, found: Mapping[str, ChampionLookup]) -> list[str]:
    """A sentence for the tasks beside planning's whose scores nobody gives, those with one reason together."""
    app = tonight.night.app.app
    newest, of_then = command("train", app=app), command("train", "--as-of", tonight.night.as_of, app=app)
    reasons = dict[tuple[str, str, str], list[str]]()
    for task in binary_tasks():
        looked = found.get(task.name, ChampionLookup())
        if task.name not in PLANNED_WITH and not looked.served and not looked.fault:
            again = _run(of_then if looked.later else newest, looked.untrained)
            reasons.setdefault((*_why_none(looked), again), []).append(task.name)
    return [
        f"{model} of {' and '.join(names)} {why}, so this night has no scores of it. {again}"
        for (model, why, again), names in reasons.items()
    ]


def _why_none(looked: ChampionLookup) -> tuple[str, str]:
    """Why nothing serves a task: how its sentence begins, and how it goes on after the task."""
    if looked.later:
        return "The model", "that serves today was trained on later days"
    if looked.untrained:
        return "No model", f"serves, since {looked.untrained}"
    return ("The model", f"is {looked.why}") if looked.why else ("No model", "serves yet")
