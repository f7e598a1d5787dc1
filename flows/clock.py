"""The clock and the process: read here, and arguments everywhere else."""

import datetime as dt
import os


def clock() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.now(dt.UTC)


def run_id(begun: dt.datetime) -> str:
    """What tells a run from every other."""
    return f"{begun.isoformat()}/{os.getpid()}"
