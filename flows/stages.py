"""The stages of a night as tasks, each telling how far the night is. Their libraries take seconds to load."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flows.nightly import STAGES
from flows.progress import report
from flows.recording import Task
from pipelines import nightly

P = ParamSpec("P")
R = TypeVar("R")


def stage(number: int, name: str, work: Callable[P, R]) -> Task[P, R]:
    """A stage as a task that tells how far the night is."""

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        report(f"night: {name}", number - 1, STAGES)
        return work(*args, **kwargs)

    return Task(told, name)


settle = stage(1, "settle", nightly.settle)
load_champions = stage(2, "load champions", nightly.load_champions)
plan = stage(3, "plan", nightly.plan)
hire_writers = stage(4, "hire writers", nightly.hire_writers)
write = stage(5, "write", nightly.write)
judge = stage(6, "judge badges", nightly.judge)
issue = stage(7, "issue and audit", nightly.issue)
publish = stage(8, "publish", nightly.publish)
record = stage(9, "record", nightly.record)
describe = nightly.describe
