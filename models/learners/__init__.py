"""The algorithms, found by the files of this folder: `<name>.py` holds the one of that name.

A new algorithm is one new file with a `Learner` (models/learner.py) in it. It says which tasks it suits, and
competes in their contests without a word elsewhere.
"""

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from configs.errors import NightquestError
from configs.rooms import Room, load_room, only_class
from models.learner import Learner, missing
from models.portable import OutdatedModelError

if TYPE_CHECKING:
    from models.task import BinaryTask


def learners() -> Room[type[Learner]]:
    """Every algorithm by name; one whose file cannot be used is left out, with a fault and a warning in the log."""
    return _find(tuple(__path__))


def learner_of(name: str) -> type[Learner]:
    """The algorithm of a name.

    Raises:
        OutdatedModelError: A saved model needs an algorithm that is not there or cannot be used.
    """
    found = learners().by_name.get(name)
    if found is None or missing(found):
        raise OutdatedModelError(f"A saved model needs the learner '{name}', which is not there or cannot be used.")
    return found


def candidates(task: "BinaryTask[Any]") -> list[type[Learner]]:
    """Who may enter the contest of a task, from simple to complex; whose optional library is missing is left out.

    Raises:
        NightquestError: A library is missing without which Nightquest is not whole.
    """
    able = [each for each in learners().by_name.values() if task.takes(each) and _there(each)]
    return sorted(able, key=lambda each: (each.rank, each.name))


def learners_left_out(*, heavy: bool = True) -> list[str]:
    """A sentence for each algorithm that does not compete: its file cannot be used, or its library is missing.

    Args:
        heavy: Heavy ones would compete, too.
    """
    found = learners()
    lacking = {name: missing(each) for name, each in found.by_name.items() if heavy or not each.heavy}
    return [
        *found.faults,
        *(
            f"The learner {name} does not compete: {', '.join(packages)} is not installed. "
            f"Install it: pip install {' '.join(packages)}"
            for name, packages in lacking.items()
            if packages
        ),
    ]


def _there(learner: type[Learner]) -> bool:
    packages = missing(learner)
    if packages and not learner.optional:
        raise NightquestError(
            f"The learner {learner.name} needs {', '.join(packages)}, which is not installed.",
            "Install Nightquest anew: pip install .",
        )
    return not packages


@cache
def _find(_folders: tuple[str, ...]) -> Room[type[Learner]]:
    return load_room(__name__, _read, kind="learner", lost="does not compete")


def _read(name: str, module: ModuleType) -> type[Learner]:
    return only_class(name, module, Learner, "name")  # type: ignore[type-abstract]
