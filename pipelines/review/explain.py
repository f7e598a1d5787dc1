"""What the model that serves a question says of one player: how likely, why, and what would have changed it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.nouns import counted
from configs.settings import Settings
from models.explain.changes import Changed, nearest_changes
from models.explain.reasons import share_of_kinds
from models.explain.second_opinion import SecondOpinion, disagreements
from models.given import Asked
from models.learned import LearnedModel
from models.task import BinaryTask
from models.tasks import binary_task, binary_tasks
from pipelines.badges.rules.progress import badge_progress
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.known import Known
from pipelines.night.find_champions import look, none_yet
from pipelines.night.score import Served
from pipelines.pins import Night, find_night, make_night, next_served_day
from pipelines.players.day_by_day import day_by_day
from pipelines.players.snapshots import describe, eligible_players
from pipelines.review.planned import ATTAINMENT, as_planned
from pipelines.stores import has_registry, open_app, open_registry

OTHERS = 300  # players beside whom the one who is asked for is seen in a second opinion


@dataclass(frozen=True)
class Second:
    """A second opinion, see models/explain/second_opinion.py.

    Attributes:
        fidelity: R squared of the line that follows the model worst: the nearer to 1, the more its facts say.
        reasons: target, horizon_days, facts, differs: what moved the answer most, and where the first three of the
            model's own reasons are not among it.
    """

    fidelity: float
    reasons: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Explanation:
    """What a model says of a player, and why.

    Attributes:
        night: As of which night the player is seen: the newest that went out, else the coming one.
        counted_from: The day from which its reasons count days back: the night's own, or where its input was stale the
            first of which nothing was known.
        version: Of the model.
        scores: target, horizon_days, probability, days, band: as the table `scores` has them.
        reasons: target, horizon_days, facts: what moved the answer most, the strongest first.
        looks_at: What the model looks at for all players: shares by what they are about.
        changes: What would have changed it; empty for a question to which there is none.
        second: What a line around the player says moved it, where it was asked for.
    """

    app: str
    task: str
    question: str
    user_id: str
    night: dt.date
    counted_from: dt.date
    version: str
    learner: str
    scores: Sequence[Mapping[str, Any]]
    reasons: Sequence[Mapping[str, Any]]
    looks_at: Mapping[str, float]
    changes: Sequence[Changed]
    second: Second | None = None


def explained_tasks(app: App) -> dict[str, BinaryTask[Any]]:
    """The questions whose answers are told with reasons, by name."""
    return {task.name: task for task in binary_tasks() if task.kinds(app)}


def find_task(app: App, name: str) -> BinaryTask[Any]:
    """The question of a name that can be explained.

    Raises:
        NightquestError: There is none.
    """
    known = explained_tasks(app)
    if name not in known:
        raise NightquestError(f"No question '{name}' is explained.", f"Give --task one of: {', '.join(known)}.")
    return known[name]


def explain_score(
    settings: Settings,
    loaded: LoadedApp,
    user_id: str,
    task_name: str,
    now: dt.datetime,
    *,
    second_opinion: bool = False,
) -> Explanation:
    """Ask the model that serves a question of one player, as the newest night that went out saw them.

    With `second_opinion`, a line around the player says what moves the answer, too.

    Raises:
        NightquestError: There is no such question, model or player, or the player is not judged.
    """
    app, task = loaded.app, find_task(loaded.app, task_name)
    with open_app(settings, loaded) as warehouse:
        known = Known(warehouse, night_seen(warehouse, loaded.app, now, settings.day_grace))
        key = player_key(known, user_id)
        served = _served(settings, app, task, known.night)
        eligible = eligible_players(known, [known.base_day])
        if key not in eligible["player_key"]:
            raise NightquestError(not_judged(known, user_id, key), "Take a player who played since then.")
        model, asked = _asked(settings, known, task, served, _beside(key, eligible, second_opinion), eligible)
        everybody, asked = asked, _only(asked, key)
    if task.name == ATTAINMENT and asked.windows.is_empty():
        raise NightquestError(f"The night of {known.as_of} asked nothing of {user_id!r}.", "Take another player.")
    scores = task.explained(model, app, asked)
    first = pl.int_range(pl.len()).min().over("target")  # levels stay in their order
    scores = scores.sort(first, "horizon_days", maintain_order=True)
    if scores.is_empty():
        raise NightquestError(
            f"The model of {task.name} has nothing to tell of {user_id!r}: nothing is left to ask, or all is as usual.",
            "Take another player.",
        )
    reasons = scores.drop_nulls("reasons").with_columns(facts=pl.col("reasons").str.split("; "))
    return Explanation(
        app=app.app,
        task=task.name,
        question=task.question,
        user_id=user_id,
        night=known.as_of,
        counted_from=known.base_day,
        version=served.version,
        learner=served.model.learner.name,
        scores=scores.drop("player_key", "reasons").to_dicts(),
        reasons=reasons.select("target", "horizon_days", "facts").to_dicts(),
        looks_at=share_of_kinds(served.model.learner.importance(), task.kinds(app)),
        changes=nearest_changes(task, model, app, asked),
        second=_second(task, model, app, everybody, key, reasons) if second_opinion else None,
    )


def _asked(
    settings: Settings, known: Known, task: BinaryTask[Any], served: Served, keys: pl.Series, eligible: pl.DataFrame
) -> tuple[LearnedModel, Asked]:
    """The model as the night asked it, and what it asked of players."""
    if task.name in PLANNED_WITH:
        others = {name: binary_task(name) for name in PLANNED_WITH}
        models = {name: _served(settings, known.app, other, known.night).model for name, other in others.items()}
        return as_planned(known, task.name, models, keys)
    mine = pl.col("player_key").is_in(keys.implode())
    badges = badge_progress(known).filter(mine) if task.asks_of_badges else pl.DataFrame()
    none, features = pl.DataFrame(), describe(known, eligible).filter(mine)
    return served.model, Asked(features, none, none, none, badges, day_by_day(known, features, task.asks_of_days))


def _beside(key: int, eligible: pl.DataFrame, others: bool) -> pl.Series:
    """The keys of the player, and with `others` of some other players."""
    keys = eligible["player_key"].unique().sort()
    rest = keys.filter(keys != key)
    some = rest.sample(min(OTHERS, len(rest)), seed=7) if others else rest.head(0)
    return pl.concat([pl.Series("player_key", [key], dtype=keys.dtype), some])


def _only(asked: Asked, key: int) -> Asked:
    """What is asked of one player."""
    frames = {part.name: getattr(asked, part.name) for part in fields(asked)}
    return Asked(**{name: f.filter(player_key=key) if f.width else f for name, f in frames.items()})


def _second(
    task: BinaryTask[Any], model: LearnedModel, app: App, everybody: Asked, key: int, first: pl.DataFrame
) -> Second:
    """What a line around the player says, beside what the model's own contributions said first."""
    line = SecondOpinion(model, task.kinds(app), key)
    told = task.explained(line, app, everybody).filter(player_key=key).drop_nulls("reasons")
    at = ["target", "horizon_days"]
    both = told.select(*at, facts=pl.col("reasons").str.split("; ")).join(
        first.select(*at, first="facts"), on=at, how="left", nulls_equal=True, maintain_order="left"
    )
    reasons = [
        {
            **{name: row[name] for name in (*at, "facts")},
            "differs": disagreements(row["first"] or [], row["facts"], line.alike),
        }
        for row in both.sort(at, maintain_order=True).to_dicts()
    ]
    return Second(line.fidelity or 0.0, reasons)


def night_seen(warehouse: Any, app: App, now: dt.datetime, grace: dt.timedelta) -> Night:
    """As of which night players are seen: the newest that went out, else the coming one."""
    out = find_night(warehouse, app)
    if out is not None:
        return out
    last = warehouse.value("SELECT max(day) FROM events WHERE active")
    served = next_served_day(app, now, grace)
    return make_night(warehouse, app, min(served, last + dt.timedelta(days=1)) if last else served, now, grace)


def _served(settings: Settings, app: App, task: BinaryTask[Any], night: Night) -> Served:
    """The model that serves the night.

    Raises:
        NightquestError: None does, with the reason.
    """
    again = f"Run: {command('train', app=app.app)}"
    if not has_registry(settings):
        raise NightquestError(f"No model of {task.name} serves yet.", again)
    found = look(open_registry(settings), app, task.name, night.as_of)
    if found.served is not None:
        return found.served
    if found.fault:
        raise NightquestError(found.fault, again)
    if found.later:
        of_then = command("train", "--as-of", night.as_of, app=app.app)
        why = f"version {found.later}, which serves today, was trained on later days than the night of {night.as_of}"
        raise NightquestError(f"No model of {task.name} serves the newest night: {why}.", f"Run a night, or: {of_then}")
    why = f"The model of {task.name} is {found.why} and does not serve." if found.why else ""
    raise NightquestError(*((why, again) if why else none_yet(task.name, found, again)))


def player_key(known: Known, user_id: str) -> int:
    """The key of a player.

    Raises:
        NightquestError: There is no such player.
    """
    key = known.value("SELECT player_key FROM players WHERE user_id = $u", {"u": user_id})
    if key is None:
        raise NightquestError(
            f"'{known.app.app}' has no player {user_id!r}.", "Write the id as the app's own data has it."
        )
    return int(key)


def not_judged(known: Known, user_id: str, key: int) -> str:
    """Why the night does not judge a player, as a sentence."""
    within = known.app.challenges.active_within_days
    last = known.value("SELECT max(day) FROM known_active_days WHERE player_key = $k", {"k": key})
    played = f"last played on {last}" if last else "had not played by then"
    judged = f"only players with play in the {counted(within, 'day')} before {known.base_day} are judged"
    return f"{user_id!r} {played}; {judged}."
