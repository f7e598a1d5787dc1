"""The forms of answers: pydantic models by content type, and their JSON Schema as providers take it."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.words.types import content_type


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Described(_Strict):
    """A challenge, an achievement or a mission."""

    title: str
    description: str


class Told(_Strict):
    """A message, a story or an invitation."""

    title: str
    body: str


class Taught(_Strict):
    """How to do something; its steps become one text."""

    title: str
    steps: list[str]


class Cited(_Strict):
    """A badge's citation."""

    citation: str


class DescribedAnswer(_Strict):
    """The whole answer, as the schema has it."""

    variants: list[Described]


class ToldAnswer(_Strict):
    """The whole answer, as the schema has it."""

    variants: list[Told]


class TaughtAnswer(_Strict):
    """The whole answer, as the schema has it."""

    variants: list[Taught]


class CitedAnswer(_Strict):
    """The whole answer, as the schema has it."""

    variants: list[Cited]


_BY_TEXT: Mapping[str, type[BaseModel]] = {
    "description": DescribedAnswer,
    "body": ToldAnswer,
    "citation": CitedAnswer,
}


def answer_model(kind: str) -> type[BaseModel]:
    """The pydantic model of the answer to a content type's briefs.

    Raises:
        KeyError: The content type is unknown.
    """
    form = content_type(kind).form
    return TaughtAnswer if form.steps else _BY_TEXT[form.text]


@cache
def answer_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of the answer: the same for all briefs of a content type, every property required, no others."""
    return json_schema(answer_model(kind))


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON Schema as both providers take it: no references, titles or descriptions."""
    schema = model.model_json_schema()
    return dict(_plain_schema(schema, schema.get("$defs", {})))


@cache
def entry_model(kind: str) -> type[BaseModel]:
    """The pydantic model of one text of an answer."""
    by_text: dict[str, type[BaseModel]] = {"description": Described, "body": Told, "citation": Cited}
    form = content_type(kind).form
    return Taught if form.steps else by_text[form.text]


def _plain_schema(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_plain_schema(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return copy.copy(schema)
    if "$ref" in schema:
        return _plain_schema(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    kept = {
        k: v
        for k, v in schema.items()
        if k not in {"$defs", "description"} and not (k == "title" and isinstance(v, str))
    }
    if "properties" in kept:
        kept["properties"] = {name: _plain_schema(one, definitions) for name, one in kept["properties"].items()}
    return {k: v if k == "properties" else _plain_schema(v, definitions) for k, v in kept.items()}
