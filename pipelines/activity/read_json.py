"""JSON that is not one object a line: an array of objects, or objects over several lines, taken apart as they come.

Brackets are counted outside strings, so that whatever is between them is cut out whole and judged later, row by row. A
string cannot go over a line's end in JSON; so a broken one costs its own object.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pipelines.activity.read_text import Limits, Lines
from pipelines.activity.refused import RAW_CHARACTERS, BadLine, FileRefusedError

# What stands around the statements that a learning record store answers with (xAPI, StatementResult).
_BEFORE = re.compile(rb'\s*\{\s*(?:"more"\s*:\s*(?:"[^"]*"|null)\s*,\s*)?"statements"\s*:\s*(?=\[)')
_AFTER = re.compile(rb'\s*(?:,\s*"more"\s*:\s*(?:"[^"]*"|null)\s*)?\}\s*')
# An object that opens a list of objects: its name, behind what stands before it.
_LIST_WITHIN = re.compile(r'\s*\{\s*(?:"[^"]*"\s*:\s*(?:"[^"]*"|[\w.+-]+)\s*,\s*)*"(\w+)"\s*:\s*\[\s*\{')
_ARRAY = re.compile(rb"\[\s*(?:[{\[\]]|$)")
_QUOTE, _NEWLINE, _COMMA = b'"\n,'
_STEPS = np.zeros(256, np.int64)
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1
_MARKS = _STEPS != 0
_MARKS[_COMMA] = True


def begins_array(start: bytes, *, named_json: bool) -> bool:
    """Whether a text is one JSON array, by its start; `[user_id],[event]` is a header unless its name says JSON."""
    body = start.lstrip()
    return body.startswith(b"[") and (named_json or bool(_ARRAY.match(body)))


def begins_long_object(start: bytes) -> bool:
    """Whether a text is objects over several lines: the first line opens one that the next lines go on with."""
    first, _, rest = start.lstrip().partition(b"\n")
    if not first.startswith(b"{") or rest.lstrip()[:1] in {b"{", b""}:
        return False
    positions, depths = _brackets(first)
    return len(positions) > 0 and depths[-1] > 0 and not _is_json(first)


def opened(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """A text without what a record store puts before its statements, and whether it does."""
    first = next(chunks)
    around = _BEFORE.match(first)
    if around:  # the lines stay where they are
        first = b"\n" * around[0].count(b"\n") + first[around.end() :]
    return itertools.chain([first], chunks), around is not None


def told_of_list(start: str) -> str:
    """How the rows are taken out of a document that is too long to be one, by its start; empty where none shows."""
    within = _LIST_WITHIN.match(start)
    return f"; its rows lie in the list '{within[1]}': jq -c '.{within[1]}[]' FILE > ROWS.jsonl" if within else ""


@dataclass
class _Text:
    """A text on its way: what is not cut yet, and where it begins; `around` it something may stand."""

    in_array: bool
    limits: Limits
    around: bool = False
    rest: bytes = b""
    line: int = 1
    opened: bool = False
    closed: bool = False
    found: Lines = field(default_factory=lambda: Lines([], []))


def split_objects(chunks: Iterable[bytes], limits: Limits, *, in_array: bool, around: bool = False) -> Iterator[Lines]:
    """Cut a JSON text into its objects, each with the line that it begins on.

    Args:
        chunks: The text, some bytes at a time.
        limits: An object may have `line_bytes`; a longer one is a bad line.
        in_array: The text is one array, whose elements are wanted; else objects one after another.
        around: Behind the array follows the end of what a record store puts around its statements.

    Raises:
        FileRefusedError: An end is missing, or stands where none belongs.
    """
    text = _Text(in_array, limits, around)
    for chunk in chunks:
        text.rest += chunk
        _cut(text)
        yield text.found
        text.found = Lines([], [])
        if len(text.rest) > limits.block_bytes + limits.line_bytes:
            raise FileRefusedError(
                f"What begins on line {_start(text)} has no end, so its brackets do not match; mend the JSON there, "
                "or write one object a line."
            )
    if around and text.closed and _AFTER.fullmatch(text.rest):
        return
    if text.rest.strip() or (in_array and not text.closed):
        raise FileRefusedError(
            f"What begins on line {_start(text)} has no end: the file was cut short, or brackets do not match there; "
            "deliver it again."
        )


def _cut(text: _Text) -> None:
    """Take every whole object off the front of the rest."""
    positions, depths = _brackets(text.rest)
    signs = np.frombuffer(text.rest, np.uint8)[positions]
    steps = _STEPS[signs]
    if text.in_array:  # elements stand behind the first bracket, between commas and before the last bracket
        depths = depths + int(text.opened)
        ends = np.where(steps < 0, depths < 1, depths == 1)
    else:
        ends = (steps < 0) & (depths <= 0)
    begin, lines = 0, 0
    for at, depth in zip(positions[ends].tolist(), depths[ends].tolist(), strict=True):
        if text.closed or depth < 0:
            break
        end = at if text.in_array else at + 1
        piece = text.rest[begin:end]
        _keep(text, piece, text.line + lines)
        lines += text.rest.count(b"\n", begin, at + 1)
        begin = at + 1
        text.closed = text.in_array and depth == 0
        text.opened = True
    text.line, text.rest = text.line + lines, text.rest[begin:]
    if text.closed and text.rest.strip() and not text.around:
        raise FileRefusedError(f"The JSON array ends before line {_start(text)}, and more follows; write one array.")


def _keep(text: _Text, piece: bytes, line: int) -> None:
    shown = piece.strip()
    if not shown:
        return
    line += piece[: len(piece) - len(piece.lstrip())].count(b"\n")
    if len(shown) > text.limits.line_bytes:
        raw = shown[:RAW_CHARACTERS].decode("utf-8", "backslashreplace")
        reason = f"the object is longer than {text.limits.line_bytes >> 20} MiB; only its beginning is kept here"
        reason += told_of_list(raw)
        text.found.bad.append(BadLine(line, raw, reason))
        return
    try:
        text.found.texts.append(shown.decode())
        text.found.numbers.append(line)
    except UnicodeDecodeError:
        raw = shown[:RAW_CHARACTERS].decode("utf-8", "backslashreplace")
        text.found.bad.append(BadLine(line, raw, "the object is not UTF-8 text; save the file as UTF-8"))


def _start(text: _Text) -> int:
    """The line on which the rest begins."""
    return text.line + text.rest[: len(text.rest) - len(text.rest.lstrip())].count(b"\n")


def _brackets(body: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where brackets and commas stand outside strings, and how deep it is behind each."""
    signs = np.frombuffer(body.replace(rb"\\", b"__").replace(rb"\"", b"__"), np.uint8)
    positions = np.flatnonzero(_MARKS[signs])
    quotes, newlines = np.flatnonzero(signs == _QUOTE), np.flatnonzero(signs == _NEWLINE)
    line = np.searchsorted(newlines, positions)  # of each position
    before_line = np.searchsorted(quotes, np.concatenate([[-1], newlines]))[line]
    positions = positions[(np.searchsorted(quotes, positions) - before_line) % 2 == 0]
    return positions, np.cumsum(_STEPS[signs[positions]])


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
