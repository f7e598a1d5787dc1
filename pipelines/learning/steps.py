"""The bar that training shows: what is done, in order."""

from collections.abc import Callable, Collection

from models.tasks import binary_tasks, tasks

Progress = Callable[[str, int, int], None]
LOOKING, REGISTERING = "snapshots of past days", "model registry"


def silent(stage: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


def training_steps(wanted: Collection[str] | None = None) -> list[str]:
    """What training does: it looks back, learns one task after another, and registers what came of them.

    Args:
        wanted: The tasks that are learned; None is all.
    """
    contests = [task.doing for task in binary_tasks() if wanted is None or task.name in wanted]
    known = {task.doing for task in binary_tasks()}
    others = [task for task in tasks().by_name.values() if task.doing not in known]
    told = [task.doing for task in others if wanted is None or task.name in wanted]
    return [LOOKING, *contests, *told, REGISTERING]


class Steps:
    """Tells a progress which step begins.

    Args:
        progress: What is told.
        wanted: See `training_steps`.
    """

    def __init__(self, progress: Progress, wanted: Collection[str] | None = None) -> None:
        self._progress, self._all = progress, training_steps(wanted)

    def begin(self, step: str) -> None:
        """One of `training_steps` begins."""
        self._progress(f"training: {step}", self._all.index(step), len(self._all))

    def end(self) -> None:
        """All of them are done."""
        self._progress("training", len(self._all), len(self._all))
