"""Where the work of many players is done, found by the files of this folder: `<name>.py` holds the one so named.

A new engine is one new file with `workers(settings)`, which gives `Workers`; NIGHTQUEST_ENGINE says which is used. What
it gives is the same everywhere: the work of one bucket of players rests on nothing of another's. The names alone are
told without loading anything.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING

from configs.rooms import Room, load_room, names_in
from configs.settings import Settings

if TYPE_CHECKING:
    from pipelines.engines.buckets import Buckets
    from pipelines.engines.workers import OpenWorkers

SHARED = frozenset({"buckets", "exchange", "laid", "staff", "workers"})


def engine_names() -> list[str]:
    """Every engine's name, in order; none is loaded."""
    return names_in(__name__, SHARED)


def buckets_of(settings: Settings) -> "Buckets":
    """How a machine's settings want the players' work done: here, with a note, where the engine's file is broken.

    Raises:
        KeyError: There is no engine of that name.
    """
    from pipelines.engines.buckets import Buckets  # noqa: PLC0415 (it loads polars)

    found, name = _find(tuple(__path__)), settings.engine
    if fault := next((fault for fault in found.faults if fault.startswith(f"The engine {name} ")), None):
        return Buckets(settings.buckets, notes=[f"{fault} The work was done here."])
    workers = found.by_name[name]
    return Buckets(settings.buckets, name, partial(workers, settings) if workers else None)


@contextmanager
def open_buckets(settings: Settings, app: str, given: object = None) -> "Iterator[Buckets]":
    """The same for a night, whose warehouse is open: rows of many buckets lie beside it, and workers stay.

    Rows go to workers through a folder where the settings name one that they see too.

    Args:
        settings: The machine's.
        app: The app's name.
        given: What workers will be given and load ahead, such as the models; it can be sent to a process.

    Raises:
        KeyError: There is no engine of that name.
    """
    from configs.full_disk import why  # noqa: PLC0415 (as above)
    from data.warehouse import warehouse_path  # noqa: PLC0415 (as above)
    from pipelines.engines.exchange import open_exchange  # noqa: PLC0415 (as above)
    from pipelines.engines.staff import Staff  # noqa: PLC0415 (as above)

    shared = settings.shared_folder
    buckets = replace(buckets_of(settings), folder=warehouse_path(settings.home, app).parent)
    with ExitStack() as stack:
        if buckets.workers is not None:
            staff = stack.enter_context(Staff(buckets.workers))
            staff.call_in(given)
            buckets = replace(buckets, workers=staff)
        if shared is not None:
            try:
                opened = stack.enter_context(open_exchange(shared, settings.home, app, settings.memory_gb))
                buckets = replace(buckets, exchange=opened)
            except OSError as error:
                buckets.tell(
                    f"The shared folder {shared} cannot be used: {why(error, shared)}. Rows were sent with the calls, "
                    "and nothing is lost; mend it for the next night."
                )
        yield buckets


@cache
def _find(_folders: tuple[str, ...]) -> "Room[OpenWorkers | None]":
    return load_room(__name__, _read, kind="engine", shared=SHARED)


def _read(_name: str, module: ModuleType) -> "OpenWorkers | None":
    workers: OpenWorkers | None = module.workers
    return workers
