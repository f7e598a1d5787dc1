"""Opening what a job works on: the app's warehouse, with parts in step with its file, and the model registry.

The registry's libraries take seconds to load, so that they wait until it is opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from configs.loader import LoadedApp
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from pipelines.activity.parts import sync_metrics

if TYPE_CHECKING:
    from models.tracking.kept import KeptChampions
    from models.tracking.prompts import PromptRegistry
    from models.tracking.registry import Registry


@contextmanager
def open_app(settings: Settings, loaded: LoadedApp, *, grows: bool = False) -> Iterator[Warehouse]:
    """The app's warehouse, open for writing; parts are rebuilt when the app file's metrics changed.

    Args:
        settings: Where it lies.
        loaded: The app.
        grows: Much may come in; what comes in is read once, and has to do with half the memory.

    Raises:
        BusyError: Another process is working on the app, still after `wait_for_lock_s`.
    """
    wait_s = settings.wait_for_lock_s
    with open_warehouse(
        settings.home,
        loaded.app.app,
        threads=settings.threads,
        grows=grows,
        memory_gb=_memory_gb(settings, grows=grows),
        wait_for_lock_s=wait_s,
    ) as warehouse:
        sync_metrics(warehouse, loaded.app)
        yield warehouse


def _memory_gb(settings: Settings, *, grows: bool) -> float:
    """Gigabytes for DuckDB: an ingest is as fast with half of what a night gets, down to one."""
    return min(settings.memory_gb, max(1.0, settings.memory_gb / 2)) if grows else settings.memory_gb


def has_registry(settings: Settings) -> bool:
    """Whether there is a registry to look into: a server's, or a store under home."""
    return settings.mlflow_uri is not None or (settings.home / "mlflow.db").exists()


def open_registry(settings: Settings) -> "Registry":
    """The tracking store and model registry."""
    from models.tracking.registry import Registry  # noqa: PLC0415

    return Registry(settings.tracking_uri, settings.artifacts if settings.mlflow_uri is None else None)


def kept_champions(settings: Settings) -> "KeptChampions":
    """The champions that served last, as they were kept under home."""
    from models.tracking.kept import KeptChampions  # noqa: PLC0415

    return KeptChampions(settings.home / "champions")


def open_prompts(settings: Settings) -> "PromptRegistry":
    """The prompt registry of the same store."""
    from models.tracking.prompts import PromptRegistry  # noqa: PLC0415

    return PromptRegistry(open_registry(settings).tracking)
