"""Prefect's runner, ended in order: its own answer to SIGTERM leaves before its work is put away."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner


class OrderlyRunner(Runner):
    """Takes SIGTERM as it takes Ctrl-C: schedules are paused, runs are ended, and the loop is left."""

    def handle_sigterm(self, *_args: Any, **_kwargs: Any) -> None:
        """Hand SIGTERM to asyncio's own handler of Ctrl-C."""
        os.kill(os.getpid(), signal.SIGINT)


def run_until_told(deployments: Sequence[RunnerDeployment], ready: Callable[[], None]) -> None:
    """Start scheduled and submitted runs of the deployments until SIGINT or SIGTERM.

    Args:
        deployments: What to register and serve.
        ready: Called when all are registered.
    """
    runner = OrderlyRunner(name="nightquest", pause_on_shutdown=True)
    for deployment in deployments:
        runner.add_deployment(deployment)
    ready()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(runner.start())
