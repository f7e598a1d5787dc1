"""What cannot be read: a file, or a line of one."""

from dataclasses import dataclass

RAW_CHARACTERS = 4096


class FileRefusedError(Exception):
    """A file that cannot be read at all; the message is one sentence with a remedy."""


@dataclass(frozen=True)
class BadLine:
    """A line that cannot become a row: its 1-based number in the decompressed file, its text and what is wrong."""

    line: int
    raw: str
    reason: str
