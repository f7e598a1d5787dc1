"""Which JSON schemas the providers take for structured answers, as their documentation and error messages say."""

from collections.abc import Iterator
from typing import Any

from tests.language_server.asked import ApiError, canonical

_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
_OPENAI_REFUSES = ("allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties")
_ANTHROPIC_REFUSES = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems"),
}
_fine: set[tuple[str, bytes]] = set()  # those checked before


def check_schema(provider: str, schema: Any, name: str = "") -> None:
    """Raise what the provider answers to a schema that it does not take.

    Args:
        name: What OpenAI was told the schema is called.

    Raises:
        ApiError: 400.
    """
    key = (provider, canonical(schema))
    if key in _fine:
        return
    check = _openai if provider == "openai" else _anthropic
    if problem := next(check(schema), None):
        if provider == "openai":
            raise ApiError(
                400,
                "invalid_request_error",
                f"Invalid schema for response_format '{name}': {problem}",
                code="invalid_json_schema",
                param="text.format.schema",
            )
        raise ApiError(400, "invalid_request_error", f"output_config.format.schema: {problem}")
    _fine.add(key)


def _openai(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{_type_of(schema)}\"'."
        return
    properties = 0
    for path, part in _parts(schema):
        yield from (f"In context={path!r}, {fault}" for fault in _openai_faults(part))
        properties += len(part.get("properties", {}))
        if len(path) > 20:
            yield "nesting of the schema exceeds the limit of 10 levels."
    if properties > 5000:
        yield f"the schema has {properties} properties, more than the limit of 5000."


def _openai_faults(part: Any) -> Iterator[str]:
    """What is wrong with one schema inside a schema."""
    if not isinstance(part, dict):
        yield "schema is not an object."
        return
    yield from (f"'{keyword}' is not permitted." for keyword in _OPENAI_REFUSES if keyword in part)
    if "type" not in part and not part.keys() & {"anyOf", "$ref", "enum", "const"}:
        yield "schema must have a 'type' key."
    if part.get("type") == "array" and "items" not in part:
        yield "array schema missing items."
    if part.get("type") != "object":
        return
    if part.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false."
    if missing := set(part.get("properties", {})) ^ set(part.get("required", [])):
        yield (
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{min(missing)}'."
        )


def _anthropic(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "Input should be a valid dictionary"
        return
    for _, part in _parts(schema):
        if not isinstance(part, dict):
            yield "Input should be a valid dictionary"
            return
        kind = part.get("type")
        if kind is None and not part.keys() & {"anyOf", "allOf", "$ref", "enum", "const"}:
            yield "Schema type is required"
        if isinstance(kind, str) and kind not in _TYPES:
            yield f"Schema type '{kind}' is not supported"
        if kind == "object" and part.get("additionalProperties") is not False:
            yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
        for keyword in _ANTHROPIC_REFUSES.get(str(kind), ()):
            if keyword in part:
                yield f"For '{kind}' type, property '{keyword}' is not supported"
        if kind == "array" and part.get("minItems", 0) not in {0, 1}:
            yield f"For 'array' type, 'minItems' values other than 0 or 1 are not supported (got {part['minItems']})"
        if str(part.get("$ref", "#")).startswith(("http:", "https:")):
            yield "External '$ref' is not supported"


def _parts(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every schema inside a schema, with where it stands."""
    yield path, schema
    if not isinstance(schema, dict):
        return
    for group in ("properties", "$defs", "definitions"):
        inner = schema.get(group)
        for name, part in inner.items() if isinstance(inner, dict) else ():
            yield from _parts(part, (*path, group, name))
    if "items" in schema:
        yield from _parts(schema["items"], (*path, "items"))
    for group in ("anyOf", "allOf"):
        inner = schema.get(group)
        for i, part in enumerate(inner) if isinstance(inner, list) else ():
            yield from _parts(part, (*path, group, str(i)))


def _type_of(schema: Any) -> str:
    return str(schema.get("type")) if isinstance(schema, dict) else type(schema).__name__
