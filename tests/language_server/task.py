"""What the user part of a prompt wants: a brief, a judgement between texts, a verdict on evidence, or anything else."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

_BRIEF = re.compile(r"<brief>(.*?)</brief>", re.DOTALL)
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True)
class Task:
    """Attributes:
    kind: 'brief', 'judge', 'verdict' or 'other'.
    content_type: Of a brief, else the kind; rules for faults may name it.
    data: The JSON of the user part; empty where there is none.
    """

    kind: str
    content_type: str
    data: dict[str, Any]


def read_task(user: str) -> Task:
    """Read the user part; text around the JSON is passed over."""
    if found := _BRIEF.search(user):
        if data := _parsed(found[1]):
            return Task("brief", str(data.get("content_type", "")), data)
    elif (found := _OBJECT.search(user)) and (data := _parsed(found[0])):
        if isinstance(data.get("pairs"), list):
            return Task("judge", "judge", data)
        if isinstance(data.get("evidence"), list):
            return Task("verdict", "verdict", data)
    return Task("other", "other", {})


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}
