"""Opening what a job works on: the app's warehouse, with parts in step with its file, and the model registry."""

from collections.abc import Iterator
from contextlib import contextmanager

from configs.loader import LoadedApp
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from models.prompt_registry import PromptRegistry
from models.registry import Registry
from pipelines.activity.parts import sync_metrics


@contextmanager
def open_app(settings: Settings, loaded: LoadedApp) -> Iterator[Warehouse]:
    """The app's warehouse, open for writing; parts are rebuilt when the app file's metrics changed.

    Raises:
        BusyError: Another process is working on the app, still after `wait_for_lock_s`.
    """
    with open_warehouse(
        settings.home, loaded.app.app, threads=settings.threads, wait_for_lock_s=settings.wait_for_lock_s
    ) as warehouse:
        sync_metrics(warehouse, loaded.app)
        yield warehouse


def open_registry(settings: Settings) -> Registry:
    """The tracking store and model registry."""
    return Registry(settings.tracking_uri, settings.artifacts if settings.mlflow_uri is None else None)


def open_prompts(settings: Settings) -> PromptRegistry:
    """The prompt registry of the same store."""
    return PromptRegistry(open_registry(settings).tracking)
