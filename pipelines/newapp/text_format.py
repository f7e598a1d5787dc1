"""How a text file is written: its encoding, what stands between fields, and whether a header names them."""

import codecs
import csv
import itertools
import re
import tempfile
from pathlib import Path

from charset_normalizer import from_bytes

from configs.errors import NightquestError
from configs.files import SIGNS, Delimiter, Files
from data.connections import sniffed_delimiter
from pipelines.activity.read_csv import read_header
from pipelines.activity.read_files import JSON_SUFFIXES, PACKED_SUFFIXES
from pipelines.activity.read_text import Limits, read_chunks
from pipelines.activity.refused import FileRefusedError
from pipelines.newapp.wide import is_wide

_START_BYTES = 1 << 18
_FIGURES = re.compile(r"^[\s€$£]*[+-]?\d[\d.,:/\- T]*[€$£%]?$")  # a number, a date or a time of day, which no header is
_EXCEL = "cp1252"


def guess_files(path: Path) -> Files:
    """What an app file should say of a text file like this; nothing of JSON and Parquet.

    Raises:
        NightquestError: The file cannot be read at all.
    """
    with path.open("rb") as stream:
        start = stream.read(_START_BYTES)
    if start.startswith(b"PAR1"):
        return Files()
    encoding = None if path.suffix.lower() in PACKED_SUFFIXES else _encoding(start)
    try:
        chunks = read_chunks(path, Limits(block_bytes=_START_BYTES), lambda _: None, encoding)
        text = next(chunks).decode("utf-8", "replace")
    except FileRefusedError as error:
        raise NightquestError(f"{path}: {error}", "docs/ingest.md says what goes in.") from None
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & JSON_SUFFIXES or text.lstrip()[:1] in {"{", "["}:
        return Files(encoding=encoding)
    lines = [line for line in text.splitlines()[:2000] if line.strip()][:-1] or text.splitlines()[:1]
    return _delimited(lines, encoding)


def _encoding(start: bytes) -> str | None:
    """None for UTF-8; the character that the sample cuts in two at its end does not count."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return _old_encoding(start)
    return None


def _old_encoding(start: bytes) -> str:
    """Of a text before Unicode: Excel's own in the West where few letters are beyond ASCII, else by statistics."""
    rare = sum(byte > 127 for byte in start) < 0.2 * len(start)
    best = from_bytes(start).best()
    return best.encoding if best is not None and not (rare and _reads(start, _EXCEL)) else _EXCEL


def _reads(start: bytes, encoding: str) -> bool:
    try:
        start.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _delimited(lines: list[str], encoding: str | None) -> Files:
    sign, told = _sign(lines)
    first = lines[0].split() if sign == " " else next(csv.reader([lines[0]], delimiter=sign))
    if not any(_FIGURES.match(cell.strip()) for cell in first) or is_wide(first):
        return Files(encoding=encoding, delimiter=told)
    names = [f"column_{place}" for place in range(1, len(first) + 1)]
    name = next(name for name, other in SIGNS.items() if other == sign)
    return Files(encoding=encoding, delimiter=name, columns=names)


def _sign(lines: list[str]) -> tuple[str, Delimiter | None]:
    """What stands between fields, and its name where the header alone does not tell."""
    by_header = _by_header(lines[0])
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "sample.csv"
        copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sniffed = sniffed_delimiter(copy)
    known = {sign: name for name, sign in SIGNS.items()}
    if sniffed in known and sniffed != " ":
        return sniffed, None if sniffed == by_header else known[sniffed]
    widths = {len(line.split()) for line in itertools.islice(lines, 1, 200)} or {1}
    if by_header not in lines[0] and len(widths) == 1 and widths != {1}:
        return " ", "space"
    return by_header, None


def _by_header(line: str) -> str:
    try:
        return read_header(line, ()).delimiter
    except FileRefusedError:  # a line of figures may have one twice, and is no header
        return max(",;\t|", key=line.count)
