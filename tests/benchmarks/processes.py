"""What one process costs, with all that it starts: nothing else is loaded here, since a child's peak begins at ours."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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


def run_alone(command: Sequence[str], folder: Path) -> Cost:
    """Run to the end in a folder.

    Raises:
        Failed: It ended with anything but 0.
    """
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            end = said.read()[-2000:].decode("utf-8", "replace")
            raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
