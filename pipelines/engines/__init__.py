"""Where the work of many players is done, found by the files of this folder: `<name>.py` holds the one so named.

A new engine is one new file with `workers(settings)`, a context of `Workers`; NIGHTQUEST_ENGINE says which is used.
What it gives is the same everywhere: the work of one bucket of players rests on nothing of another's.
"""

from functools import cache, partial
from types import ModuleType

from configs.errors import NightquestError
from configs.rooms import Found, load_room
from configs.settings import Settings
from pipelines.engines.buckets import HERE, Buckets, OpenWorkers

SHARED = frozenset({"buckets"})


def buckets_of(settings: Settings) -> Buckets:
    """How a machine's settings want the players' work done.

    Raises:
        NightquestError: There is no engine of that name.
    """
    found = _find(tuple(__path__))
    if settings.engine not in found.by_name:
        fault = next((fault for fault in found.faults if fault.startswith(f"The engine {settings.engine} ")), None)
        raise NightquestError(
            fault or f"There is no engine '{settings.engine}' (NIGHTQUEST_ENGINE).",
            f"Use one of {', '.join(found.by_name)}.",
        )
    workers = found.by_name[settings.engine]
    return Buckets(settings.buckets, settings.engine, partial(workers, settings) if workers else None)


@cache
def _find(_folders: tuple[str, ...]) -> Found[OpenWorkers | None]:
    return load_room(__name__, _read, kind="engine", shared=SHARED)


def _read(_name: str, module: ModuleType) -> OpenWorkers | None:
    workers: OpenWorkers | None = module.workers
    return workers


__all__ = ["HERE", "Buckets", "buckets_of"]
