"""The stages of a night as tasks, each telling how far the night is. Their libraries take seconds to load."""

import time
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from configs.settings import Settings
from flows.deliver import send
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
from pipelines.night.open_night import Tonight, run_stage
from pipelines.night.unrecorded import Unrecorded
from pipelines.night.words import Words
from pipelines.publish.deliver import Deliveries, deliver_due
from pipelines.reports import NightReport

P = ParamSpec("P")
R = TypeVar("R")


def of_night(
    number: int,
    name: str,
    work: Callable[Concatenate[Tonight, P], R],
    counts: Callable[[R], dict[str, object]],
    retries: int = 0,
) -> Task[Concatenate[Tonight, P], R]:
    """A stage that reads the night's warehouse; see `stage` and `run_stage`."""
    return stage(number, name, _opened(work), counts, retries)


def _opened(work: Callable[Concatenate[Tonight, P], R]) -> Callable[Concatenate[Tonight, P], R]:
    @wraps(work)
    def opened(tonight: Tonight, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run_stage(work, tonight, *args, **kwargs)

    return opened


def stage(
    number: int, name: str, work: Callable[P, R], counts: Callable[[R], dict[str, object]], retries: int = 0
) -> Task[P, R]:
    """A stage as a task that tells how far the night is and logs what it did.

    Args:
        number: Its place among the stages.
        name: What it does, for people.
        work: The stage.
        counts: What its line in the log counts, from its result.
        retries: See `Task`. What a stage writes it writes once or not at all, so that it can be tried again.
    """

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        report(f"night: {name}", number - 1, NIGHT_STAGES)
        began = time.monotonic()
        result = work(*args, **kwargs)
        figures = ", ".join(f"{what} {value}" for what, value in counts(result).items())
        LOG.info("%s: %s (%.1f s)", name, figures or "done", time.monotonic() - began)
        return result

    return Task(told, name, retries)


def _models(champions: _champions.Champions) -> dict[str, object]:
    return dict(champions.told())


def _written(words: Words) -> dict[str, object]:
    return {name: each.height for name, each in words.tables.items()}


def _issued(issued: _issue.Issued) -> dict[str, object]:
    told = ("challenges", "completed", "xp_paid", "badges_awarded")
    return {name.replace("_", " "): issued.figures[name] for name in told}


def _delivered(tonight: Tonight) -> Deliveries:
    """Bring the night, and what was left of others, to the app's destinations."""
    warehouse, home, app = tonight.known.warehouse, tonight.settings.home, tonight.night.app.app
    night = (tonight.night.as_of, tonight.night.revision)
    return deliver_due(warehouse, home, app, tonight.sinks, tonight.context.clock, send, night)


settle = of_night(1, "settle", _settle.settle, lambda still_open: {"still open": still_open.height})
load_champions = of_night(2, "load champions", _champions.load_champions, _models, retries=2)
plan = of_night(3, "plan", _plan.plan, lambda planned: {"players": planned.players.profiles.height})
hire_writers = of_night(4, "hire writers", _words.hire_writers, lambda _crew: {})
write = of_night(5, "write", _words.write, _written)
judge = of_night(6, "judge badges", _judge.judge, lambda judged: {"decisions": judged.verdicts.height})
issue = of_night(7, "issue and audit", _issue.issue, _issued)
publish = of_night(8, "publish", _publish.publish, lambda night: {"folder": night.path.name}, retries=2)
deliver = of_night(9, "deliver", _delivered, lambda found: {"delivered": len(found.done), "failed": len(found.failed)})
record = stage(10, "record", _record.record, lambda nights: {"nights": nights}, retries=2)
weigh_awards = _opened(_settle.weigh_awards)
describe = _opened(_record.describe)
recall = _opened(_record.recall)
keep_unrecorded = _unrecorded.keep
left_unrecorded = _opened(_unrecorded.left_unrecorded)


def try_to_record(settings: Settings, app: str, due: Sequence[tuple[Path, NightReport, Unrecorded]]) -> str:
    """Record what is due in MLflow. The nights are out: what it cannot take costs its record alone, for now.

    Returns:
        Which nights are still not recorded, why, and what helps; empty where all are.
    """
    try:
        record(settings, app, due)
    except Exception as error:  # noqa: BLE001 (whatever it is, the nights are out)
        LOG.debug("What was to be recorded is kept.", exc_info=error)
        return _unrecorded.not_recorded([night.as_of for file, night, _ in due if file.exists()], error)
    return ""
