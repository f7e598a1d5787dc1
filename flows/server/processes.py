"""Prefect, MLflow and the runner as child processes: on the loopback address, gone when we are gone."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from configs.errors import NightquestError
from configs.settings import Settings
from models.tracking.moved import follow_home

HOST = "127.0.0.1"
START_TIMEOUT_S = 180.0
PATIENCE_S = 2.5  # after which what was asked to end is killed
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Server:
    """A started server, its address and where it writes what it says.

    Attributes:
        is_ready: Whether it does its work.
    """

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]
    is_ready: Callable[[], bool]

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until it is ready.

        Raises:
            NightquestError: It ended, or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if self.process.poll() is not None:
                raise NightquestError(f"{self.name} ended while starting.", f"Its last words are in {self.log}.", 1)
            if time.monotonic() > deadline:
                raise NightquestError(
                    f"{self.name} did not answer within {timeout_s:.0f} s.", f"See {self.log}, then try again.", 3
                )
            time.sleep(0.1)


def stop_all(servers: Sequence[Server], sign: signal.Signals = signal.SIGTERM) -> None:
    """End servers and all that they started: asked at the same time, and killed after PATIENCE_S."""
    family = [process for server in servers for process in _family(server)]
    for server in servers:
        if server.process.poll() is None:
            server.process.send_signal(sign)
    _, left = psutil.wait_procs(family, timeout=PATIENCE_S)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    for server in servers:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)  # what a dead leader left behind
        server.process.wait()


def _family(server: Server) -> list[psutil.Process]:
    try:
        leader = psutil.Process(server.process.pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return []


def start_prefect(settings: Settings, port: int) -> Server:
    """Start the Prefect server with its UI on the home folder's database."""
    command = ["prefect", "server", "start", "--host", HOST, "--port", str(port)]
    # The server itself must not take another server's address for its own.
    environment = {**os.environ, "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api", "PREFECT_API_URL": ""}
    url = f"http://{HOST}:{port}"
    return _start("Prefect", command, environment, settings, url, lambda: answers(f"{url}/api/health"))


def start_mlflow(settings: Settings, port: int) -> Server:
    """Start MLflow's UI over the tracking store."""
    if settings.mlflow_uri is None:
        follow_home(settings.home / "mlflow.db", settings.artifacts)
    command = ["mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", settings.tracking_uri, "--default-artifact-root", str(settings.artifacts)]
    # Its job queue is for hosted LLM judges; without it the UI is up in a fraction of the time and memory.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    url = f"http://{HOST}:{port}"
    return _start("MLflow", command, environment, settings, url, lambda: answers(f"{url}/health"))


def start_runner(settings: Settings, sign: Path, apps: Sequence[str]) -> Server:
    """Start the runner of the apps' deployments; `sign` holds what it serves when it is ready."""
    sign.unlink(missing_ok=True)
    return _start("Runner", ["flows.server.runner", str(sign), *apps], os.environ, settings, "", sign.exists)


def clear_logs(settings: Settings) -> None:
    """Forget what the children of an earlier `serve` said."""
    for log in _logs(settings).glob("*.log"):
        log.unlink(missing_ok=True)


def require_free(port: int, name: str, setting: str) -> None:
    """Refuse a port that something else listens on.

    Raises:
        NightquestError: The port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise NightquestError(
                f"Port {port} for {name} is taken by another program.",
                f"Stop that, or set {setting} to a free port.",
                3,
            ) from None


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Whether an HTTP address answers with success; never through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_s) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _start(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    settings: Settings,
    url: str,
    is_ready: Callable[[], bool],
) -> Server:
    logs = _logs(settings)
    try:
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{name.lower()}.log"
        with log.open("ab") as output:
            process = _spawn([sys.executable, "-m", *command], environment, output)
    except OSError as error:
        raise NightquestError(
            f"Cannot write under {settings.home}: {error.strerror}.", "Give --home a folder you may write to."
        ) from None
    return Server(name, url, log, process, is_ready)


def _logs(settings: Settings) -> Path:
    return settings.home.absolute() / "logs"


def _spawn(command: list[str], environment: Mapping[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # a fixed command of our own
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C in a terminal is ours to pass on, in our order
        preexec_fn=_die_with_parent(),  # noqa: PLW1509  # started before any thread of ours
    )


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel ends the child when we are killed; elsewhere only an orderly end does."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask_kernel
