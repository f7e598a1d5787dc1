"""Documents whose rows lie in a list within them: told with the command that lays them out."""

import json
import re
import shlex
from typing import Any

from configs.errors import NightquestError
from pipelines.newapp.sample import Table

_PLAIN = re.compile(r"^[A-Za-z_]\w*$")


def insist_on_rows(table: Table) -> None:
    """Make sure that rows of a table are no documents with lists of what was done.

    Raises:
        NightquestError: They are; it gives the command that makes a line of each.
    """
    lists = {column.name: json_list for column in table.columns if (json_list := _objects(column.values[:1]))}
    if not lists:
        return
    name, first = next(iter(lists.items()))
    steps = f".{_key(name)}[]" if table.rows == 1 else f"del(.{_key(name)}) + .{_key(name)}[]"
    told, inner = f"its rows lie in the list '{name}'", [key for key, value in first.items() if _is_rows(value)]
    if table.rows == 1 and inner:
        key = _key(inner[0])
        steps, told = f"{steps} | del(.{key}) + .{key}[]", f"{told}, and what was done in the list '{inner[0]}' of each"
    file = table.files[0]
    lines = shlex.quote(f"{file.stem}.jsonl")
    raise NightquestError(
        f"{file} is a document and no table: {told}.",
        f"Make a line of each, and give init that file: jq -c '{steps}' {shlex.quote(str(file))} > {lines}",
    )


def _objects(values: tuple[str, ...]) -> dict[str, Any]:
    """The first object of a list of objects that a column holds; empty where it holds no such list."""
    try:
        held = json.loads(values[0]) if values and values[0].startswith("[") else None
    except ValueError:
        return {}
    return held[0] if isinstance(held, list) and _is_rows(held) else {}


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _key(name: str) -> str:
    return name if _PLAIN.match(name) else json.dumps(name)
