"""Everything that one server process holds."""

import itertools
import shutil
import tempfile
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

from tests.language_server.answers import Answers
from tests.language_server.bills import Bills
from tests.language_server.faults import Faults
from tests.language_server.limits import Limits
from tests.language_server.options import Options


class State:
    """Settings, books, limits, faults and a folder for files."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.bills = Bills(time.time)
        self.limits = Limits(options)
        self.faults = Faults()
        self.answers = Answers(options)
        self.folder = Path(tempfile.mkdtemp(prefix="language-server-"))
        self.root = ""  # the server's address, once it is known
        self.in_flight = 0
        self.most_in_flight = 0
        self.log: deque[dict[str, Any]] = deque(maxlen=options.log)
        self.counts: Counter[str] = Counter()
        self._numbers = itertools.count(1)

    def number(self) -> str:
        """A new id, without its prefix; unique for the life of the process, in order."""
        return f"{next(self._numbers):024x}"

    def noted(
        self, provider: str, place: str, path: str, status: int, trouble: str, body: str | None, headers: dict[str, str]
    ) -> None:
        """Remember a request. `status` 0 is a connection that was cut or never answered."""
        self.counts[f"{provider} {place} {status}"] += 1
        self.log.append(
            {
                "time": time.time(),
                "provider": provider,
                "place": place,
                "path": path,
                "status": status,
                "fault": trouble,
                "body": body,
                "headers": headers,
            }
        )

    def clear(self) -> None:
        """Back to how it was after the start, settings excepted."""
        self.bills.clear()
        self.limits.clear()
        self.answers.clear()
        self.faults.rules.clear()
        self.log.clear()
        self.counts.clear()
        self.most_in_flight = self.in_flight
        for path in self.folder.iterdir():
            path.unlink()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
