"""The stages of a night as tasks, each telling how far the night is. Their libraries take seconds to load."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flows.log import LOG
from flows.progress import NIGHT_STAGES, report
from flows.recording import Task
from pipelines.night import champions as _champions
from pipelines.night import issue as _issue
from pipelines.night import judge as _judge
from pipelines.night import plan as _plan
from pipelines.night import publish as _publish
from pipelines.night import record as _record
from pipelines.night import settle as _settle
from pipelines.night import unrecorded as _unrecorded
from pipelines.night import words as _words
from pipelines.night.words import Words

P = ParamSpec("P")
R = TypeVar("R")


def stage(number: int, name: str, work: Callable[P, R], counts: Callable[[R], dict[str, object]]) -> Task[P, R]:
    """A stage as a task that tells how far the night is and logs what it did.

    Args:
        number: Its place among the stages.
        name: What it does, for people.
        work: The stage.
        counts: What its line in the log counts, from its result.
    """

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        report(f"night: {name}", number - 1, NIGHT_STAGES)
        began = time.monotonic()
        result = work(*args, **kwargs)
        figures = ", ".join(f"{what} {value}" for what, value in counts(result).items())
        LOG.info("%s: %s (%.1f s)", name, figures or "done", time.monotonic() - began)
        return result

    return Task(told, name)


def _models(champions: _champions.Champions) -> dict[str, object]:
    plays, attainment = (version or "fallback" for version in champions.challenges.versions)
    return {"plays": plays, "attainment": attainment, "segments": champions.segment_version or "fallback"}


def _written(words: Words) -> dict[str, object]:
    frames = {"challenges": words.challenges, "messages": words.messages, "achievements": words.achievements}
    return {name: frame.height for name, frame in frames.items()}


def _issued(issued: _issue.Issued) -> dict[str, object]:
    told = ("challenges", "completed", "xp_paid", "badges_awarded")
    return {name.replace("_", " "): issued.figures[name] for name in told}


settle = stage(1, "settle", _settle.settle, lambda still_open: {"still open": still_open.height})
load_champions = stage(2, "load champions", _champions.load_champions, _models)
plan = stage(3, "plan", _plan.plan, lambda planned: {"players": planned.players.profiles.height})
hire_writers = stage(4, "hire writers", _words.hire_writers, lambda _crew: {})
write = stage(5, "write", _words.write, _written)
judge = stage(6, "judge badges", _judge.judge, lambda judged: {"decisions": judged.verdicts.height})
issue = stage(7, "issue and audit", _issue.issue, _issued)
publish = stage(8, "publish", _publish.publish, lambda night: {"folder": night.path.name})
record = stage(9, "record", _record.record, lambda nights: {"nights": nights})
weigh_awards = _settle.weigh_awards
describe = _record.describe
recall = _record.recall
keep_unrecorded = _unrecorded.keep
left_unrecorded = _unrecorded.left_unrecorded
