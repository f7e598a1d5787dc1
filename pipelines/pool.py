"""Processes of this machine, which load the libraries anew and never outlive the one that they work for."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

import psutil

from configs.threads import keep_to


@contextmanager
def open_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """At most so many processes, which share the cores and finish what they have in hand at the end of the block.

    Where the block fails or is interrupted they end at once, and so they do where this process is killed: a pipe tells.
    """
    theirs, ours = get_context("spawn").Pipe(duplex=False)
    threads = max(1, (psutil.cpu_count() or 1) // count)
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_belong, initargs=(theirs, threads))
    with theirs:
        try:
            yield pool
            pool.shutdown()
        finally:
            ours.close()
            pool.shutdown(cancel_futures=True)


def _belong(pipe: Connection, threads: int) -> None:
    keep_to(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all: whom we work for heeds it
    Thread(target=_end_with, args=(pipe,), daemon=True).start()


def _end_with(pipe: Connection) -> None:
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)
