"""Small things that all of the ledger's statements share."""

from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring, encode_basestring_ascii
from math import ceil
from sqlite3 import Connection
from typing import TypeVar

T = TypeVar("T")

NANO = 1_000_000_000
_ESCAPED: dict[str, Callable[[str], str]] = {"\0a": encode_basestring_ascii, "\0u": encode_basestring}
VERBATIM = "\0v"
AT_ONCE = 500  # rows looked up in one statement


def nano(usd: float) -> int:
    """US dollars as whole nano-dollars, rounded up but for a float's own error."""
    return ceil(usd * NANO - 1e-3)


def marks(values: Sequence[object]) -> str:
    """A question mark for each value."""
    return ",".join("?" * len(values))


def chunks(values: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """The values in order, some at a time."""
    return (values[i : i + size] for i in range(0, len(values), size))


def storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate, which JSON may escape, becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def without_text(raw: str, text: str) -> str:
    """A raw answer without the text that is kept beside it: a NUL, which no JSON holds, and how it was escaped."""
    if "\0" in raw:
        return VERBATIM + raw
    if text:
        for mark, escaped in _ESCAPED.items():
            before, found, after = raw.partition(escaped(text)[1:-1])
            if found:
                return before + mark + after
    return raw


def with_text(raw: str, text: str) -> str:
    """The raw answer as it came."""
    if raw.startswith(VERBATIM):
        return raw.removeprefix(VERBATIM)
    for mark, escaped in _ESCAPED.items():
        if mark in raw:
            return raw.replace(mark, escaped(text)[1:-1], 1)
    return raw


def book(connection: Connection, nights: dict[tuple[str, str, str], list[int]]) -> None:
    """Add to what nights and months have spent and reserved.

    Args:
        connection: Inside a transaction.
        nights: By app, night and month: nano-dollars spent and reserved; either may be negative.
    """
    connection.executemany(
        "INSERT INTO night (app, night, spent, reserved) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, reserved = reserved + excluded.reserved",
        [(app, night, *sums) for (app, night, _), sums in nights.items()],
    )
    connection.executemany(
        "INSERT INTO month (name, spent, reserved) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, reserved = reserved + excluded.reserved",
        [(month, *sums) for (_, _, month), sums in nights.items()],
    )
