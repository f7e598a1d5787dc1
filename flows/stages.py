"""The stages of a night as tasks, each telling how far the night is. Their libraries take seconds to load."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flows.log import LOG
from flows.nightly import STAGES
from flows.progress import report
from flows.recording import Task
from pipelines.night import stages as nightly
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
        report(f"night: {name}", number - 1, STAGES)
        began = time.monotonic()
        result = work(*args, **kwargs)
        figures = ", ".join(f"{what} {value}" for what, value in counts(result).items())
        LOG.info("%s: %s (%.1f s)", name, figures or "done", time.monotonic() - began)
        return result

    return Task(told, name)


def _models(champions: nightly.Champions) -> dict[str, object]:
    plays, attainment = (version or "fallback" for version in champions.challenges.versions)
    return {"plays": plays, "attainment": attainment, "segments": champions.segment_version or "fallback"}


def _written(words: Words) -> dict[str, object]:
    frames = {"challenges": words.challenges, "messages": words.messages, "achievements": words.achievements}
    return {name: frame.height for name, frame in frames.items()}


def _issued(issued: nightly.Issued) -> dict[str, object]:
    told = ("challenges", "completed", "xp_paid", "badges_awarded")
    return {name.replace("_", " "): issued.figures[name] for name in told}


settle = stage(1, "settle", nightly.settle, lambda still_open: {"still open": still_open.height})
load_champions = stage(2, "load champions", nightly.load_champions, _models)
plan = stage(3, "plan", nightly.plan, lambda planned: {"players": planned.players.profiles.height})
hire_writers = stage(4, "hire writers", nightly.hire_writers, lambda _crew: {})
write = stage(5, "write", nightly.write, _written)
judge = stage(6, "judge badges", nightly.judge, lambda judged: {"decisions": judged.verdicts.height})
issue = stage(7, "issue and audit", nightly.issue, _issued)
publish = stage(8, "publish", nightly.publish, lambda night: {"folder": night.path.name})
record = stage(9, "record", nightly.record, lambda _none: {})
weigh_awards = nightly.weigh_awards
describe = nightly.describe
recall = nightly.recall
