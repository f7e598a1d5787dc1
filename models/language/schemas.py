"""Answer schemas as providers accept them, and request bodies of which all but the user part is serialised once."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from models.language.calls import Request

USER = "\x00the user part\x00"  # where it stands in a frame; no prompt holds it
MOST_FRAMES = 512
_NESTED = ("properties", "$defs", "definitions")
_MANY = ("anyOf", "allOf", "oneOf", "prefixItems")


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every property of every object required and no others allowed, as structured output wants."""
    made = dict(schema)
    for name in _NESTED:
        if isinstance(made.get(name), Mapping):
            made[name] = {key: strict(value) for key, value in made[name].items()}
    for name in _MANY:
        if isinstance(made.get(name), list):
            made[name] = [strict(one) for one in made[name]]
    if isinstance(made.get("items"), Mapping):
        made["items"] = strict(made["items"])
    if "properties" in made:
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    made.pop("default", None)
    return made


def told_in_words(request: Request) -> str:
    """The system part for a model that cannot be held to a schema: it is told the schema."""
    schema = json.dumps(strict(request.schema), separators=(",", ":"))
    return f"{request.system}\n\nAnswer with one JSON object of this JSON Schema and nothing else:\n{schema}"


class Frames:
    """Bodies of live asks as bytes: the long part that many requests share is made once.

    Args:
        make: The body of a request with `USER` in place of its user part.
    """

    def __init__(self, make: Callable[[Request], Mapping[str, Any]]) -> None:
        self._make = make
        # By what makes the frame; the schema by its identity, kept alive beside it.
        self._made: dict[tuple[Any, ...], tuple[Mapping[str, Any], bytes, bytes]] = {}

    def body(self, request: Request) -> bytes:
        """The body of an ask, UTF-8 JSON."""
        _, head, tail = self._frame(request)
        return head + json.dumps(request.user).encode() + tail

    def _frame(self, request: Request) -> tuple[Mapping[str, Any], bytes, bytes]:
        schema = request.schema
        key = (request.model, request.system, id(schema), request.schema_name, request.max_tokens, request.effort)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= MOST_FRAMES:
                self._made.clear()
            text = json.dumps(self._make(request), separators=(",", ":"))
            head, tail = text.split(json.dumps(USER))
            found = self._made[key] = (schema, head.encode(), tail.encode())
        return found
