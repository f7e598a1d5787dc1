"""The few operations by which publishing changes a disk, one method each, so that a test can fail any of them."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

Fill = Callable[[IO[bytes]], object]  # writes a file that is open


class Disk:
    """The real file system. What a method has done survives a power cut once `sync` of its folder has returned."""

    def make_folder(self, folder: Path) -> None:
        """Create a folder and its parents; one that exists is fine."""
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, fill: Fill) -> None:
        """Let a file be written and flush it to the device."""
        with path.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())

    def move(self, old: Path, new: Path) -> None:
        """Rename within one file system, at once; a file in the way is replaced, a filled folder is an error."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Delete a folder with all in it, or a file."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def sync(self, folder: Path) -> None:
        """Flush a folder's entries to the device."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(disk: Disk, path: Path, data: bytes) -> None:
    """Write a file such that its name never stands for half of it."""
    stream_whole(disk, path, lambda file: file.write(data))


def stream_whole(disk: Disk, path: Path, fill: Fill) -> None:
    """Let a file be written such that its name never stands for half of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        disk.write(part, fill)
        disk.move(part, path)
    except Exception:
        with suppress(OSError):
            disk.remove(part)
        raise
