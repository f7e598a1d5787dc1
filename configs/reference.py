"""The keys of an app file as Markdown tables, made from its JSON Schema so that they are never out of date."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs.loader import CONFIGS, export_schema

APPS_PAGE = CONFIGS.parent / "docs" / "apps.md"
BEGIN, END = "<!-- keys: made by `make schema` -->", "<!-- end of keys -->"
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "nothing",
}
_BOUNDS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))


def render_reference(schema: dict[str, Any]) -> str:
    """One table for each section of an app file, in the file's order: key, type, default, meaning.

    Args:
        schema: What `export_schema` returns.
    """
    names = dict.fromkeys(_sections(schema["properties"], schema))
    sections = {"The file": schema} | {name: schema["$defs"][name] for name in names}
    return "\n".join(_section(name, section, schema) for name, section in sections.items())


def write_reference(page: Path = APPS_PAGE) -> None:
    """Put the tables into a page, between its two marks."""
    page.write_text(with_reference(page.read_text(encoding="utf-8"), export_schema()), encoding="utf-8")


def with_reference(text: str, schema: dict[str, Any]) -> str:
    """A page's text with the tables of a schema between its two marks."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{render_reference(schema)}\n{END}{after}"


def _sections(node: object, schema: dict[str, Any]) -> Iterator[str]:
    for name in re.findall(r'"#/\$defs/(\w+)"', json.dumps(node)):
        yield name
        yield from _sections(schema["$defs"][name]["properties"], schema)


def _section(name: str, section: dict[str, Any], schema: dict[str, Any]) -> str:
    required = section.get("required", [])
    lines = [
        f"### {name}",
        "",
        section.get("description", ""),
        "",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for key, node in section["properties"].items():
        meaning = node.get("description") or _described(node, schema)
        cells = [f"`{key}`", _type(node), "required" if key in required else _default(node), meaning]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _described(node: dict[str, Any], schema: dict[str, Any]) -> str:
    target = schema["$defs"].get(node.get("$ref", "").rpartition("/")[2], {})
    return str(target.get("description", ""))


def _type(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return str(node["$ref"].rpartition("/")[2])
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_type(branch) for branch in node["anyOf"] if branch.get("type") != "null"))
    if allowed := node.get("enum") or ([node["const"]] if "const" in node else []):
        return " · ".join(f"`{value}`" for value in allowed)
    if node.get("type") == "array":
        return f"list of {_type(node.get('items', {}))}"
    if node.get("type") == "object":
        values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        return f"name: {_type(next(v for v in values if isinstance(v, dict)))}"
    bounds = ", ".join(f"{sign} {node[key]:g}" for key, sign in _BOUNDS if key in node)
    plain = "name" if "a-z0-9_" in node.get("pattern", "") else node.get("format", _TYPES[node["type"]])
    return f"{plain} {bounds}".strip()


def _default(node: dict[str, Any]) -> str:
    value = node.get("default")
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"
