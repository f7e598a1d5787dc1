"""What somebody may have typed, made into short harmless data for a prompt."""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from configs.wording import INVISIBLE

VALUE_LENGTH = 80
NAME_LENGTH = 40
MOST_KEYS = 24
MOST_ITEMS = 12
MOST_NESTED = 3
MOST_CHARACTERS = 2000  # of a whole profile

_SPACES = frozenset({"Zs", "Zl", "Zp"})
# Seen as nothing, though Unicode counts them as letters, marks or symbols; variation selectors can carry hidden text.
_UNSEEN = frozenset(
    map(
        chr,
        [
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            0x2800,
            0x3164,
            0xFFA0,
            *range(0xFE00, 0xFE10),
            *range(0x180B, 0x1810),
        ],
    )
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
_BRACES = str.maketrans({"{": "(", "}": ")", "[": "(", "]": ")", "`": "'"})
_MOST_MARKS = 2  # on one letter


def clean(text: str, limit: int = VALUE_LENGTH) -> str:
    """A string as one line of at most `limit` characters, in the plain forms of its letters.

    Control, direction and invisible characters go, and so do more than two marks on a letter. Braces, brackets and
    backticks become parentheses and apostrophes, so that nothing looks like a slot or a fence.
    """
    seen = unicodedata.normalize("NFKC", text[: 20 * limit])
    kept, marks = [], 0
    for c in seen:
        category = unicodedata.category(c)
        if category in _SPACES or c in "\t\n\r\v\f":
            kept.append(" ")
        elif category not in INVISIBLE and c not in _UNSEEN:
            marks = marks + 1 if category in {"Mn", "Me"} else 0
            if marks <= _MOST_MARKS:
                kept.append(c)
    line = unicodedata.normalize("NFKC", "".join(kept)).translate(_BRACES)
    return " ".join(" ".join(line.split())[:limit].split())


def clean_data(value: Any, *, nested: int = MOST_NESTED) -> Any:
    """A value as JSON data of bounded size: strings cleaned, few keys and items, not deep, numbers finite."""
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return value if not isinstance(value, int) or abs(value) < 1e15 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping) and nested:
        pairs = ((clean(str(name), NAME_LENGTH), item) for name, item in list(value.items())[:MOST_KEYS])
        return {name: clean_data(item, nested=nested - 1) for name, item in pairs if name}
    if isinstance(value, list | tuple) and nested:
        return [clean_data(item, nested=nested - 1) for item in list(value)[:MOST_ITEMS]]
    return clean(str(value))


def clean_profile(profile: Mapping[str, Any] | str) -> dict[str, Any]:
    """A player's profile as JSON data of at most 2,000 characters; what does not fit is left out.

    Args:
        profile: By name, or its JSON text.
    """
    told = json.loads(profile) if isinstance(profile, str) else profile
    kept: dict[str, Any] = {}
    room = MOST_CHARACTERS
    for name, value in clean_data(told if isinstance(told, Mapping) else {"profile": told}).items():
        room -= len(json.dumps({name: value}, ensure_ascii=False))
        if room < 0:
            break
        kept[name] = value
    return kept


def as_json(data: Mapping[str, Any]) -> str:
    """JSON text that cannot close a tag around it: < > & are escaped."""
    text = json.dumps(data, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
