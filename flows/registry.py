"""The flows, found by the files of this folder: `<verb>.py` holds the one of that name.

A new flow is one new file with a function of its name, `@flow("<verb> {app}", Deployed(...))`: what it does, and when
`serve` starts it (schedule.py). A file that cannot be used is named by `serve`, and the others are deployed.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

import flows
from configs.rooms import Room, load_room, names_in
from flows.recording import Flow

_SHARED = frozenset({
    "cli", "clock", "demo", "deployments", "log", "missed", "parameters", "progress", "recorded", "recording",
    "registry", "running", "schedule", "server", "settings", "stages",
})  # fmt: skip


def flow_names() -> list[str]:
    """The flows that there is a file for, in order of name; none is loaded.

    Raises:
        NightquestError: Two folders have a file of one name.
    """
    return names_in(flows.__name__, _SHARED)


def load_flow(name: str) -> Flow[..., Any]:
    """The flow of a file; whatever the file raises is raised here."""
    return _read(name, import_module(f"{flows.__name__}.{name}"))


def find_flows() -> Room[Flow[..., Any]]:
    """Every flow by name; one whose file cannot be used is left out, with a warning in the log.

    Raises:
        NightquestError: Two have the same name.
    """
    return load_room(flows.__name__, _read, kind="flow", lost="is not deployed", shared=_SHARED)


def _read(name: str, module: ModuleType) -> Flow[..., Any]:
    found = getattr(module, name, None)
    if not isinstance(found, Flow):
        raise ValueError(f"its file holds no flow of the name {name}")
    return found
