"""Starting the server from a test, and talking to its control side."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.language_server.options import ANTHROPIC_KEY, OPENAI_KEY

ROOT = Path(__file__).parents[2]


class Control:
    """The control side of a running server; every answer is the JSON of tests/language_server/control.py."""

    def __init__(self, root: str) -> None:
        self._root = root
        # Straight to the loopback, whatever proxy the environment names.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def bills(self, *, after: int = 0, entries: bool = True) -> dict[str, Any]:
        """What was charged: n, by_body, by_question, by_custom_id, bills."""
        return self._ask("GET", f"bills?after={after}&entries={int(entries)}")

    def faults(self, *rules: Mapping[str, Any], add: bool = False) -> dict[str, Any]:
        """Put rules in force, in place of those before or beside them; none ends all trouble."""
        return self._ask("POST", f"faults{'?add=1' if add else ''}", list(rules))

    def rules(self) -> list[dict[str, Any]]:
        """The rules in force, with how many requests each fitted and hit."""
        rules: list[dict[str, Any]] = self._ask("GET", "faults")["rules"]
        return rules

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change settings (see Options); all of them come back."""
        return self._ask("POST", "settings", values)

    def limits(self) -> dict[str, Any]:
        """By model: requests admitted and refused, tokens, seconds."""
        return self._ask("GET", "limits")

    def requests(self) -> dict[str, Any]:
        """counts by 'provider place status', and log: the last requests with path, status, fault, body."""
        return self._ask("GET", "requests")

    def state(self) -> dict[str, Any]:
        """in_flight, most_in_flight, batches_at_work, bills, cpu_s."""
        return self._ask("GET", "state")

    def idle(self, seconds: float = 300) -> dict[str, Any]:
        """Wait until nothing is in flight and no batch at work."""
        return self._ask("POST", f"idle?seconds={seconds}", timeout=seconds + 5)

    def reset(self, **values: Any) -> None:
        """Forget bills, batches, files, faults and limits, and set these settings."""
        self._ask("POST", "reset", values)

    def _ask(self, method: str, what: str, value: Any = None, timeout: float = 60) -> dict[str, Any]:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self._root}/_control/{what}", data=data, method=method)  # noqa: S310
        try:
            with self._open(request, timeout=timeout) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise ValueError(f"{method} {what}: {error.read().decode()}") from None


@dataclass(frozen=True)
class LanguageServer:
    """A running server.

    Attributes:
        openai_url: For openai.OpenAI(base_url=...), ends in /v1.
        anthropic_url: For anthropic.Anthropic(base_url=...).
        pid: Of its process, for processor time and affinity.
    """

    root: str
    pid: int
    control: Control
    openai_key: str = OPENAI_KEY
    anthropic_key: str = ANTHROPIC_KEY

    @property
    def environment(self) -> dict[str, str]:
        """What `nightquest` must see to speak to this server."""
        return {
            "NIGHTQUEST_OPENAI_API_KEY": self.openai_key,
            "NIGHTQUEST_OPENAI_BASE_URL": self.openai_url,
            "NIGHTQUEST_ANTHROPIC_API_KEY": self.anthropic_key,
            "NIGHTQUEST_ANTHROPIC_BASE_URL": self.anthropic_url,
        }

    @property
    def openai_url(self) -> str:
        """Where OpenAI is."""
        return f"{self.root}/v1"

    @property
    def anthropic_url(self) -> str:
        """Where Anthropic is."""
        return self.root


@contextmanager
def start_server(**settings: Any) -> Iterator[LanguageServer]:
    """Run a server in a process of its own, on a free port of the loopback, with settings of Options."""
    command = [sys.executable, "-m", "tests.language_server", "--with-parent", "--settings", json.dumps(settings)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the test server did not start: exit code {process.wait()}")
        said = json.loads(line)
        yield LanguageServer(said["root"], said["pid"], Control(said["root"]))
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
