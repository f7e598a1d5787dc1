"""The tag that names who carries a run: its machine, its process and when that began.

A Prefect server may be shared by several machines; of another's processes nothing can be known from here.
"""

import platform
from collections.abc import Iterable

import psutil

PREFIX = "process:"


def carrier_tag() -> str:
    """The tag of this process: `process:<machine>:<pid>:<start in seconds>`."""
    me = psutil.Process()
    return f"{PREFIX}{platform.node()}:{me.pid}:{me.create_time():.0f}"


def is_gone(tags: Iterable[str]) -> bool | None:
    """Whether the process that a run's tags name is gone; None where they name none, or one of another machine."""
    tag = next((tag for tag in tags if tag.startswith(PREFIX)), "")
    match tag.removeprefix(PREFIX).split(":"):
        case [machine, pid, started] if machine == platform.node() and pid.isdigit() and started.isdigit():
            return not _lives(int(pid), int(started))
    return None


def _lives(pid: int, started: int) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - started) < 2  # process ids come again
    except psutil.Error:
        return False
