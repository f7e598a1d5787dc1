"""The JSON of questions and answers, as far as providers have it in common: numbers, texts, errors.

It is read as loosely as servers keep to it: what makes no sense is one of `UNREADABLE`, nothing else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic_core import from_json

from models.language.calls import Reason, Request

LONGEST_DETAIL = 300
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
_KEY = re.compile(r"\bsk-[\w*.-]+")
_QUOTA = re.compile(r"insufficient_quota|billing_hard_limit|credit balance|exceeded your current quota", re.IGNORECASE)
_MODEL = re.compile(r"model_not_found|model .*(does not exist|not found|not supported)", re.IGNORECASE | re.DOTALL)
_BY_STATUS: dict[int, Reason] = {
    401: "key", 402: "quota", 403: "key", 404: "model", 408: "overloaded", 409: "overloaded", 425: "overloaded",
    429: "rate",
}  # fmt: skip
# No answer is billed a thousand million tokens: a larger number is a fault, and money is not counted by it.
_COUNT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=1_000_000_000)])
_ID: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(min_length=1, max_length=512)])


def dig(value: Any, *path: str) -> Any:
    """What stands deeper in the JSON; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def tokens(value: Any) -> int:
    """A number of tokens; ValueError where it cannot be one."""
    return _COUNT.validate_python(value)


def count(value: Any, *path: str) -> int:
    """As `tokens`, of what stands deeper in the JSON; 0 where nothing does."""
    found = dig(value, *path)
    return 0 if found is None else tokens(found)


def id_of(value: Any) -> str:
    """What something is called; ValueError where it cannot be that."""
    return _ID.validate_python(value)


@dataclass(frozen=True)
class Unsaid:
    """Why an answer holds no text."""

    reason: Reason
    detail: str


NOTHING = Unsaid("malformed", "a 200 without an answer in it")


def joined(content: Any) -> str | Unsaid:
    """The text of an answer, its text parts joined; thoughts and other parts are left out. One of `UNREADABLE`."""
    if not isinstance(content, str | list | None):
        raise TypeError("neither a text nor parts")
    texts = []
    for part in [content] if isinstance(content, str) else content or []:
        one = {"text": part} if isinstance(part, str) else part
        if one.get("type") == "refusal":
            return Unsaid("refused", told(one.get("refusal")))
        if one.get("type", "text") in ("text", "output_text"):
            texts.append(one.get("text") or "")
    return "".join(texts) or NOTHING


def told(value: Any) -> str:
    """A provider's own explanation, whatever it is, as text."""
    return value if isinstance(value, str) else "" if value is None else repr(value)


def told_in_words(request: Request) -> str:
    """The system part for a model that cannot be held to a schema: it is told the schema."""
    schema = json.dumps(request.schema, separators=(",", ":"))
    return f"{request.system}\n\nAnswer with one JSON object of this JSON Schema and nothing else:\n{schema}"


def without_keys(text: str) -> str:
    """A provider's message, cut and without anything that looks like a key, masked or not."""
    return _KEY.sub("sk-...", text)[:LONGEST_DETAIL]


def why(status: int, body: bytes) -> tuple[Reason, str]:
    """What an error status means, and the provider's words for it."""
    text = body[:4000].decode("utf-8", "replace")
    try:
        error = from_json(body)["error"]
        message = f"{error.get('code') or error.get('type') or ''}: {error.get('message') or ''}"
    except UNREADABLE:
        message = text
    reason: Reason = _BY_STATUS.get(status, "overloaded" if status >= 500 else "rejected")
    if 400 <= status < 500 and _QUOTA.search(text):
        reason = "quota"
    elif status == 400 and _MODEL.search(message):
        reason = "model"
    return reason, without_keys(f"{status} {message}")
