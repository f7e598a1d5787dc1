"""The log of what work did: `nightquest` in Python's logging; --verbose and Prefect's log of a run listen to it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOG = logging.getLogger("nightquest")
LOG.setLevel(logging.INFO)
LOG.addHandler(logging.NullHandler())  # where nobody listens, warnings do not go to the terminal on their own


@contextmanager
def log_to_terminal() -> Iterator[None]:
    """Write each line to stderr for a while."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
