"""Processes of this machine, NIGHTQUEST_WORKERS of them or one a core. Models answer with one thread each anyway."""

from functools import partial

import psutil

from configs.settings import Settings
from pipelines.engines.workers import Workers
from pipelines.pool import open_pool


def workers(settings: Settings) -> Workers:
    """So many processes, which load the libraries anew."""
    count = settings.workers or psutil.cpu_count() or 1
    return Workers(partial(open_pool, count), count)
