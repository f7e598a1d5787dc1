"""Processes of this machine, which load the libraries anew and never outlive the one that they work for."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import LifoQueue
from threading import Thread
from typing import Any, TypeVar

import psutil

from configs.threads import keep_to

Lost = BrokenProcessPool
R = TypeVar("R")


class Pool(Executor):
    """Processes, each with one piece of work in hand.

    Where one is lost (killed, out of memory) its piece alone raises `Lost`: the others go on, and another process comes
    in its place. A pool of Python's own gives up all that it has in hand, so that each process is one by itself.

    Args:
        count: How many there are at most; they come when there is work for them.
        hire: Gives a pool of one process.
    """

    def __init__(self, count: int, hire: Callable[[], ProcessPoolExecutor]) -> None:
        self._hire = hire
        self._threads = ThreadPoolExecutor(count)  # each waits for a process
        self._free = LifoQueue[ProcessPoolExecutor]()
        for _ in range(count):
            self._free.put(hire())

    def submit(self, work: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Have a piece of work done, with what can be sent to a process, in its turn."""
        return self._threads.submit(self._hand_out, partial(work, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; the processes end when what they have in hand is done."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        while wait and not self._free.empty():
            self._free.get().shutdown()

    def _hand_out(self, work: Callable[[], R]) -> R:
        one = self._free.get()
        try:
            return one.submit(work).result()
        except Lost:
            one.shutdown()
            one = self._hire()
            raise
        finally:
            self._free.put(one)


@contextmanager
def open_pool(count: int) -> Iterator[Pool]:
    """At most so many processes, which share the cores and finish what they have in hand at the end of the block.

    Where the block fails or is interrupted they end at once, and so they do where this process is killed: a pipe tells.
    """
    theirs, ours = get_context("spawn").Pipe(duplex=False)
    belong = (theirs, max(1, (psutil.cpu_count() or 1) // count))
    pool = Pool(count, lambda: ProcessPoolExecutor(1, get_context("spawn"), initializer=_belong, initargs=belong))
    with theirs:
        try:
            yield pool
            pool.shutdown()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            ours.close()
            pool.shutdown()


def _belong(pipe: Connection, threads: int) -> None:
    keep_to(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all: whom we work for heeds it
    Thread(target=_end_with, args=(pipe,), daemon=True).start()


def _end_with(pipe: Connection) -> None:
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)
