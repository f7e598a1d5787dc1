"""Output for terminals that cannot show every letter: each one that is missing becomes its nearest in ASCII."""

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Mapping
from typing import TextIO

ERRORS = "nightquest.nearest"
_NEAREST = (
    {
        **dict.fromkeys("━═╸╺", "="),
        **dict.fromkeys("─╌╍┄┅┈┉╴╶", "-"),
        **dict.fromkeys("│┃┆┇┊┋║╎╏", "|"),
        **dict.fromkeys("█▓▒░▏▎▍▌▋▊▉■", "#"),
        **dict.fromkeys("•·∙●▪◦\ufffd", "*"),
        **dict.fromkeys("\u2013\u2014\u2212\u2010\u2011\u2012", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
        **dict.fromkeys("“”„″«»", '"'),
    }
    | dict(
        zip("…×÷≥≤≠±→←⁄€£¥°", "... x / >= <= != +- -> <- / EUR GBP JPY deg".split(), strict=True)  # noqa: RUF001, SIM905
    )
    | dict(
        zip("ßæÆøØœŒłŁđĐ", "ss ae AE o O oe OE l L d D".split(), strict=True)  # noqa: SIM905
    )
)


def fall_back(environment: Mapping[str, str] = os.environ) -> None:
    """Let stdout and stderr write what their encoding has, and ASCII for the rest."""
    codecs.register_error(ERRORS, nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = speaks_ascii(environment)
            if ascii_only or not shows_all(stream):
                stream.reconfigure(encoding="ascii" if ascii_only else None, errors=ERRORS)


def shows_all(stream: TextIO) -> bool:
    """Whether a stream can write any letter."""
    return codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name.startswith("utf")


def speaks_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the locale is the one without letters beyond ASCII, though Python then writes UTF-8."""
    if environment.get("PYTHONIOENCODING") or environment.get("PYTHONUTF8"):
        return False
    return (environment.get("LC_ALL") or environment.get("LANG")) in {"C", "POSIX"}


def nearest(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: the nearest ASCII of what cannot be written, or its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(letter: str) -> str:
    if letter in _NEAREST:
        return _NEAREST[letter]
    if 0x2500 <= ord(letter) < 0x2580:  # corners and crossings of boxes
        return "+"
    if unicodedata.category(letter) in {"Zs", "Zl", "Zp"}:
        return " "
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(_NEAREST.get(c, c) for c in parts if c.isascii() or (c in _NEAREST and c != letter))
    return plain or letter.encode("ascii", "backslashreplace").decode()
