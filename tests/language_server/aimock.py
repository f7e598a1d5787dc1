"""The npm package @copilotkit/aimock: somebody else's reading of both protocols, for live answers only.

It has no Anthropic batches, bills nothing, and does not look at schemas; what it says is set by fixtures.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port

PACKAGE = "@copilotkit/aimock@1.43.0"
_INSTALL_S, _START_S = 90, 20


class MissingError(Exception):
    """aimock cannot be had here; the message says why."""


@dataclass(frozen=True)
class Aimock:
    """A running aimock."""

    root: str
    key: str = ""

    def journal(self) -> list[dict[str, Any]]:
        """The requests it saw."""
        with _open(f"{self.root}/__aimock/journal", self.key) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found


def install(folder: Path) -> Path:
    """Install the package into a folder, and return its command.

    Raises:
        MissingError: node or npm is not there, or the package cannot be fetched.
    """
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise MissingError(f"{name} is not installed")
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--fetch-retries=0", PACKAGE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise MissingError(f"npm did not fetch {PACKAGE} within {_INSTALL_S} s") from None
    script = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if done.returncode or not script.exists():
        raise MissingError(f"npm could not fetch {PACKAGE}: {' '.join(done.stderr.split()[:20])}")
    return script


@contextmanager
def run(script: Path, folder: Path, fixtures: Sequence[Mapping[str, Any]], key: str) -> Iterator[Aimock]:
    """Run it on a free port with these answers; it takes this key only.

    Raises:
        MissingError: It does not start.
    """
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    port = free_port()
    command = ["node", str(script), "-p", str(port), "-f", str(file), "--strict", "--log-level", "silent"]
    environment = {**os.environ, "AIMOCK_API_KEYS": key}
    with (folder / "aimock.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            yield Aimock(f"http://127.0.0.1:{port}", key)
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            _open(url).close()
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise MissingError(f"aimock did not start; exit code {process.poll()}")


def _open(url: str, key: str = "") -> Any:
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})  # noqa: S310 (the loopback)
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
