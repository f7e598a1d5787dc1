"""What one process costs, with all that it starts: nothing else is loaded here, since a child's peak begins at ours."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data.whole_files import whole_file


class Failed(Exception):  # noqa: N818 (it is what happened)
    """A measured process failed; the message holds the end of what it said."""


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds (user and system), and the largest resident memory in GB."""

    wall_s: float
    cpu_s: float
    peak_gb: float

    @classmethod
    def of(cls, costs: Sequence["Cost"]) -> "Cost":
        """Of processes one after the other."""
        return cls(
            sum(cost.wall_s for cost in costs),
            sum(cost.cpu_s for cost in costs),
            max(cost.peak_gb for cost in costs),
        )


class Memo:
    """Costs by name, kept in a file, so that whoever is killed need not measure again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._costs = {name: Cost(**cost) for name, cost in kept.items()}

    def cost(self, name: str, measure: Callable[[], Cost]) -> Cost:
        """What is kept, or else what is measured now."""
        if name not in self._costs:
            self._costs[name] = measure()
            kept = {kept: asdict(cost) for kept, cost in self._costs.items()}
            with whole_file(self._path) as whole:
                whole.write_text(json.dumps(kept), encoding="utf-8")
        return self._costs[name]


def run_alone(command: Sequence[str], folder: Path) -> Cost:
    """Run to the end in a folder; who is interrupted meanwhile ends it first.

    Raises:
        Failed: It ended with anything but 0.
    """
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            end = said.read()[-2000:].decode("utf-8", "replace")
            raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
