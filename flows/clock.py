"""The clock: read here, and an argument everywhere else."""

import datetime as dt


def clock() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.now(dt.UTC)
