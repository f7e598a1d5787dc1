"""The content types, found by the files of this folder: `<name>.py` holds the one of that name.

A new type is one new file with a TYPE (pipelines/words/content_type.py) and its prompt, configs/prompts/<name>.md. An
app file may then list it; it is planned, written, checked and published without a word elsewhere.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any, Literal

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.rooms import Room, load_room
from pipelines.words.content_type import ContentType


def content_types() -> Mapping[str, ContentType]:
    """Every content type by name, in order of their places; one whose file cannot be used is left out, with a warning.

    Raises:
        NightquestError: Two have the same name.
    """
    return _find(tuple(__path__)).by_name


def content_type(name: str) -> ContentType:
    """The content type of a name.

    Raises:
        KeyError: There is none.
        NightquestError: Its file cannot be used.
    """
    if name not in content_types() and (fault := _fault(name)):
        raise NightquestError(fault, f"Mend pipelines/words/types/{name}.py.")
    return content_types()[name]


def lacking(app: App) -> list[str]:
    """What an app file leaves out that its content types need: 'key: fault; remedy'."""
    return [problem for kind in _listed(app) for problem in _told(kind, app, "lacks")[0]]


def require_words(app: App, mended: str = "") -> None:
    """Make sure that an app file has what its content types need.

    Args:
        app: The app.
        mended: What to run where its file is mended already.

    Raises:
        NightquestError: It lacks something.
    """
    if problems := lacking(app):
        also = f" Where it is mended since: {mended}" if mended else ""
        raise NightquestError(f"{problems[0]}.", f"See every fault of the file: {command('check', app=app.app)}{also}")


def briefs_of(app: App, kind: ContentType) -> list[tuple[str, str]]:
    """Every (metric or badge, occasion) that an app may have texts of a content type written for; none if it fails."""
    briefs: list[tuple[str, str]] = _told(kind, app, "briefs")[0]
    return briefs


def unusable(app: App) -> list[str]:
    """A sentence for each content type of an app that cannot be used or asked, with the file that is to be mended."""
    missing = [name for name in dict.fromkeys(app.content.types) if name not in content_types()]
    faults = {
        name: _fault(name) or f"The content type {name} is not written: it has a prompt alone." for name in missing
    }
    for kind in _listed(app):
        for asked in ("lacks", "briefs"):
            if error := _told(kind, app, asked)[1]:
                faults[kind.name] = f"The content type {kind.name} cannot be checked: its {asked} end in {error}."
    return [f"{fault} See pipelines/words/types/{name}.py." for name, fault in faults.items()]


def _listed(app: App) -> list[ContentType]:
    return [kind for name, kind in content_types().items() if name in app.content.types]


def _told(kind: ContentType, app: App, asked: Literal["lacks", "briefs"]) -> tuple[list[Any], str]:
    """What a content type says of an app, and what it raised instead."""
    try:
        return list(getattr(kind, asked)(app)), ""
    except Exception as error:  # noqa: BLE001 (whatever a type's file does wrong costs its own texts)
        return [], f"{type(error).__name__}: {error}"


def _fault(name: str) -> str:
    """What is wrong with a type's file; empty when nothing is, or there is none."""
    faults = _find(tuple(__path__)).faults
    return next((fault for fault in faults if fault.startswith(f"The content type {name} ")), "")


@cache
def _find(_folders: tuple[str, ...]) -> Room[ContentType]:
    found = load_room(__name__, _read, kind="content type", lost="is not written")
    in_place = sorted(found.by_name.values(), key=lambda kind: kind.place)
    return Room({kind.name: kind for kind in in_place}, found.faults)


def _read(name: str, module: ModuleType) -> ContentType:
    kind: ContentType = module.TYPE
    if not isinstance(kind, ContentType):
        raise TypeError("TYPE is no ContentType")
    return replace(kind, name=name)
