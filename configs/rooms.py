"""Rooms in which every file is one of a kind, found by its name: nobody keeps a list of them.

Such a folder is a package. A new file in it is found by a scan in order of name, and one that cannot be used is named
while the others go on.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from configs.errors import NightquestError

T = TypeVar("T")
_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass(frozen=True)
class Room(Generic[T]):
    """What a room holds.

    Attributes:
        by_name: In order of name.
        faults: A sentence for each file that cannot be used.
    """

    by_name: Mapping[str, T]
    faults: tuple[str, ...] = ()


def names_in(package: str, shared: frozenset[str] = frozenset()) -> list[str]:
    """The files of a room, in order of name; none of them is loaded.

    Args:
        package: The room's dotted name.
        shared: Files that the others have in common and that are none of the kind.

    Raises:
        NightquestError: Two folders of the room have a file of one name.
    """
    places: dict[str, list[str]] = {}
    for folder in importlib.import_module(package).__path__:  # one by one: a scan of all tells a name once
        for module in pkgutil.iter_modules([folder]):
            places.setdefault(module.name, []).append(str(Path(folder, f"{module.name}.py")))
    for name, files in places.items():
        if len(files) > 1:
            raise NightquestError(f"Two files have the name {name}: {' and '.join(files)}.", "Rename one of them.")
    return sorted(places.keys() - shared)


def load_room(
    package: str,
    read: Callable[[str, ModuleType], T],
    *,
    kind: str,
    lost: str = "cannot be used",
    shared: frozenset[str] = frozenset(),
) -> Room[T]:
    """Everything that a room holds; a file that cannot be used is left out, with a warning in the log.

    Args:
        package: The room's dotted name.
        read: Makes what a file holds, from its name and module; whatever it raises is the file's fault.
        kind: What a file holds, for people: 'table'.
        lost: What becomes of a file that cannot be used, for people.
        shared: See `names_in`.

    Raises:
        NightquestError: Two folders of the room have a file of one name.
    """
    found: dict[str, T] = {}
    faults: list[str] = []
    for name in names_in(package, shared):
        try:
            found[name] = read(name, importlib.import_module(f"{package}.{name}"))
        except Exception as error:  # noqa: BLE001 (whatever a file does wrong costs what it holds alone)
            faults.append(f"The {kind} {name} {lost}: {type(error).__name__}: {error}.")
            _log.warning("%s", faults[-1], exc_info=error)
    return Room(found, tuple(faults))


def only_class(name: str, module: ModuleType, of: type[T], says: str) -> type[T]:
    """The one class of a kind that a file defines and that says it is called as the file is.

    Args:
        name: Of the file.
        module: Its content.
        of: What the class must derive from.
        says: The attribute with which it says its name.

    Raises:
        ValueError: There is no such class, or it says another name.
    """
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    told = {getattr(each, says, None): each for each in own if issubclass(each, of)}
    if name not in told:
        others = ", ".join(sorted(filter(None, told)))
        raise ValueError(
            f"its file holds {others or f'no {of.__name__}'}, and nothing of its own name; say {says} = '{name}'"
        )
    return told[name]
