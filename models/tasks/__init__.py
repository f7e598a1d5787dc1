"""The learned questions, found by the files of this folder: `<name>.py` holds the one of that name.

A new question is one new file with a `Task` (models/task.py) in it. It is learned, registered, promoted, scored and
shown without a word elsewhere. The names alone are told without loading anything.
"""

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from configs.errors import NightquestError
from configs.rooms import Room, load_room, names_in, only_class

if TYPE_CHECKING:
    from models.task import BinaryTask, Task


def task_names() -> list[str]:
    """Every question's name, in order; none is loaded."""
    return names_in(__name__)


def tasks() -> "Room[Task]":
    """Every question by name; one whose file cannot be used is left out, with a fault and a warning in the log."""
    return _find(tuple(__path__))


def binary_tasks() -> "list[BinaryTask[Any]]":
    """The questions that are learned in a contest of learners, in order of name."""
    from models.task import BinaryTask  # noqa: PLC0415 (it loads numpy)

    return [each for each in tasks().by_name.values() if isinstance(each, BinaryTask)]


def binary_task(name: str) -> "BinaryTask[Any]":
    """The question of a name, for those who cannot do without it.

    Raises:
        NightquestError: Its file cannot be used.
    """
    for task in binary_tasks():
        if task.name == name:
            return task
    faults = " ".join(tasks().faults) or f"There is no task of the name {name}."
    raise NightquestError(f"No night can be planned without the task {name}. {faults}", "Mend its file.")


@cache
def _find(_folders: tuple[str, ...]) -> "Room[Task]":
    return load_room(__name__, _read, kind="task", lost="is not learned and does not serve")


def _read(name: str, module: ModuleType) -> "Task":
    from models.task import Task  # noqa: PLC0415 (as above)

    return only_class(name, module, Task, "name")()
