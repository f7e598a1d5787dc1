"""Who serves each learned question, against whom it won, and who waits."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.settings import Settings
from models.tasks import tasks
from models.tasks.segments import Segments
from models.tracking.versions import CONTEST, VERSIONS, contest_of
from models.tracking.which_serves import FIRST_NIGHT, TRAINED_TO
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.night.find_champions import ChampionLookup, look
from pipelines.publish.health import Fault, models_gone, registry_fault
from pipelines.publish.published import published_nights, read_manifest
from pipelines.stores import has_registry, open_registry

_INSTEAD = {
    **dict.fromkeys(PLANNED_WITH, "each night learns its own"),
    Segments.name: "segments follow the quantiles of the score",
}


@dataclass(frozen=True)
class Waiting:
    """A version that does not serve, with the reason: the one to be reviewed, else the one that was trained last."""

    version: int
    learner: str
    reason: str
    to_review: bool = False


@dataclass(frozen=True)
class Seat:
    """What serves a question.

    Attributes:
        version: In the registry; None where none serves.
        serves: Whether the coming night is served by it; else `why` says what is in the way.
        since: The first night that was made with it, without a break up to the newest; None before any was.
        data_until: The last day that it knew.
        learner: Which one won.
        score: What is compared, such as log loss.
        rivals: learner, loss, low, high, behind (mean, low, high): best first; empty where nothing is known of them.
        gains: over, gain (mean, low, high): against the base rate, and what served before.
        promotion: automatic, or manual where a person chooses.
        waiting: Who waits.
    """

    task: str
    question: str
    version: int | None = None
    serves: bool = False
    since: dt.date | None = None
    data_until: dt.date | None = None
    learner: str = ""
    score: str = ""
    rivals: Sequence[Mapping[str, Any]] = ()
    gains: Sequence[Mapping[str, Any]] = ()
    promotion: str = "automatic"
    waiting: Waiting | None = None
    why: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """Every question of an app with who serves it.

    Attributes:
        night: The coming night.
        notes: What is wrong with the registry, or that it is empty, with the remedy.
    """

    app: str
    night: dt.date
    seats: Sequence[Seat]
    fault: Fault | None = None
    notes: Sequence[str] = field(default_factory=list)


def read_leaderboard(settings: Settings, app: App, night: dt.date) -> Leaderboard:
    """Who serves the coming night, from the registry; one that is lost or empty is told with what helps.

    A store that was never made is not made for a look.
    """
    questions, notes = {name: task.question for name, task in tasks().by_name.items()}, list(tasks().faults)
    lost = registry_fault(settings.home, app.app) if settings.mlflow_uri is None else None
    gone = models_gone(settings.home, app.app) if lost and _readable(settings.home, app.app) else []
    if lost and not gone:
        seats = [Seat(name, asked, why=_none(name)) for name, asked in questions.items()]
        return Leaderboard(app.app, night, seats, lost, [*notes, f"{lost.message} {lost.remedy}"])
    found, looked = pl.DataFrame(schema=VERSIONS), dict[str, ChampionLookup]()
    if has_registry(settings):
        registry = open_registry(settings)
        found = registry.reviewable(app.app)
        looked = {name: _look(registry, app, name, night) for name in questions if name not in gone}
    if found.is_empty():
        again = command("train", app=app.app)
        tried = any(each.untrained for each in looked.values())
        remedy = f"Once the reasons above are gone, run: {again}" if tried else f"Run: {again}"
        notes.append(f"No model of {app.app} is registered yet. {remedy}")
    notes += [f"{lost.message} {lost.remedy}"] if lost else []
    since = _since(settings.home, app.app)
    seats = [_seat(name, asked, found, looked.get(name), since) for name, asked in questions.items()]
    return Leaderboard(app.app, night, seats, lost, notes)


def _readable(home: Path, app: str) -> bool:
    import sqlite3  # noqa: PLC0415 (for its error alone)

    try:
        models_gone(home, app)
    except sqlite3.Error:
        return False
    return True


def _look(registry: Any, app: App, name: str, night: dt.date) -> ChampionLookup:
    try:
        return look(registry, app, name, night)
    except NightquestError as error:
        return ChampionLookup(fault=error.message)


def _none(task: str, untrained: str = "") -> str:
    since = f", since {untrained}" if untrained else ""
    return f"nothing serves: {_INSTEAD.get(task, 'there are no scores of it')}{since}"


def _seat(
    name: str,
    question: str,
    found: pl.DataFrame,
    looked: ChampionLookup | None,
    since: Mapping[str, tuple[str, dt.date]],
) -> Seat:
    mine = found.filter(task=name)
    champion = _holder(mine, "champion")
    if looked and looked.loaded:
        champion = mine.row(by_predicate=pl.col("version") == looked.loaded.version, named=True)
    waiting = _waiting(_holder(mine, "review"), champion) or _waiting(_holder(mine, "challenger"), champion)
    if champion is None:
        return Seat(name, question, waiting=waiting, why=_none(name, looked.untrained if looked else ""))
    contest = contest_of(champion[CONTEST])
    served, first = since.get(name, ("", None))
    return Seat(
        task=name,
        question=question,
        version=champion["version"],
        serves=bool(looked and looked.loaded),
        since=first if served.rpartition("/")[2] == str(champion["version"]) else None,
        data_until=dt.date.fromisoformat(champion[TRAINED_TO]) if champion[TRAINED_TO] else None,
        learner=contest.get("chosen", ""),
        score=contest.get("score", ""),
        rivals=contest.get("rivals", []),
        gains=contest.get("gains", []),
        promotion=champion["promotion"],
        waiting=waiting,
        why="" if looked and looked.loaded else _in_the_way(name, champion, looked),
    )


def _in_the_way(task: str, champion: Mapping[str, Any], looked: ChampionLookup | None) -> str:
    """Why a champion does not serve the coming night, as a sentence."""
    if looked is None:
        why = "its files are lost"
    elif looked.fault:
        why = looked.fault[:1].lower() + looked.fault[1:].rstrip(".")
    else:
        later = f"it serves from the night of {champion[FIRST_NIGHT]} on"
        why = f"it is {looked.why}" if looked.why else later
    return f"version {champion['version']} does not serve: {why}; {_INSTEAD.get(task, 'there are no scores of it')}"


def _holder(versions: pl.DataFrame, alias: str) -> dict[str, Any] | None:
    held = versions.filter(pl.col("aliases").str.split(", ").list.contains(alias))
    return held.row(0, named=True) if held.height else None


def _waiting(challenger: Mapping[str, Any] | None, champion: Mapping[str, Any] | None) -> Waiting | None:
    if challenger is None or (champion and champion["version"] == challenger["version"]):
        return None
    contest = contest_of(challenger[CONTEST])
    to_review = "review" in challenger["aliases"].split(", ")
    return Waiting(challenger["version"], contest.get("chosen", ""), challenger["reason"], to_review)


def _since(home: Path, app: str) -> dict[str, tuple[str, dt.date]]:
    """By task the version of the newest night, and the first night of those made with it up to the newest."""
    nights = {day: folder for day, _, folder in published_nights(home, app)}
    since: dict[str, tuple[str, dt.date]] = {}
    going_on: set[str] = set()
    for place, day in enumerate(sorted(nights, reverse=True)):
        try:
            models = read_manifest(nights[day]).models
        except NightquestError:
            break
        if place == 0:
            going_on = set(models)
            since = {task: (version, day) for task, version in models.items()}
        going_on = {task for task in going_on if models.get(task) == since[task][0]}
        if not going_on:
            break
        since |= {task: (since[task][0], day) for task in going_on}
    return since
