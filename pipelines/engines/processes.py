"""Processes of this machine, NIGHTQUEST_WORKERS of them or one a core."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import psutil

from configs.settings import Settings
from pipelines.engines.buckets import Workers

# Several that work at once share the cores: one thread each.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def workers(settings: Settings) -> Workers:
    """So many processes, which load the libraries anew."""
    count = settings.workers or len(psutil.Process().cpu_affinity() or [0])
    return Workers(lambda: _pool(count), count)


@contextmanager
def _pool(count: int) -> Iterator[Executor]:
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
