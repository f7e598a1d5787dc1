"""Processes of this machine, NIGHTQUEST_WORKERS of them or one a core. Models answer with one thread each anyway."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil

from configs.settings import Settings
from pipelines.engines.buckets import Workers


def workers(settings: Settings) -> Workers:
    """So many processes, which load the libraries anew."""
    count = settings.workers or psutil.cpu_count() or 1
    return Workers(lambda: ProcessPoolExecutor(count, mp_context=get_context("spawn")), count)
