"""What a process tells its libraries of threads, before they are loaded."""

import os


def keep_to(threads: int) -> None:
    """Let polars use no more, unless the environment says otherwise; else it has one for each core."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
