"""Files whose name never stands for half of them, whenever a machine stops or a disk is full."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ASKED = 65_536  # bytes: what a full disk has no room for, and any other has


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what becomes a file: it gets its name once it is on the device, and is removed where that fails.

    Several may write one file at one time: it is that of who was last.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield part
        sync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def ask_disk(file: IO[bytes]) -> None:
    """Write on in a file that polars failed to write: it may call a full disk a file "out of specification".

    Raises:
        OSError: What the disk itself says.
    """
    file.write(bytes(_ASKED))
    file.flush()
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the device."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
