"""Every fault of an app file in one round: what is wrong is told and set aside, so that the rest can be looked at."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from configs.app import App
from configs.problems import (
    Keys,
    Problem,
    consistency_problem,
    known_part,
    model_problems,
    raw_rule_problems,
    rule_problems,
    word_problems,
)
from configs.yaml_file import YamlFile

_ROUNDS = 12  # a part that is set aside can bring another fault to light, each time in a smaller file


@dataclass(frozen=True)
class Examined:
    """An app file as far as it can be understood.

    Attributes:
        source: The file.
        app: What is left of it without its wrong parts; None when that is no app.
        problems: Its faults; without any, `app` is the whole file.
    """

    source: YamlFile
    app: App | None
    problems: tuple[Problem, ...]


def examine(source: YamlFile, content: dict[str, Any], schema: Callable[[], dict[str, Any]]) -> Examined:
    """Find every fault of an app file.

    Args:
        source: The file, for its lines.
        content: What it says, defaults added.
        schema: Makes the app file's JSON Schema, which takes a while.
    """
    told: list[Problem] = []
    aside: set[Keys] = set()
    for _ in range(_ROUNDS):
        references: list[str] = []
        try:
            app = App.model_validate(content, context=references)
        except ValidationError as error:
            told += [p for p in _not_of(aside, model_problems(source, error, schema())) if not _holds(p, aside)]
            content, gone = _without(content, error)
            if not gone:
                break
            aside |= gone
            continue
        found = [consistency_problem(source, text) for text in references]
        found += [*rule_problems(source, app), *word_problems(source, app)]
        told += [*_not_of(aside, found), *_of(aside, raw_rule_problems(source))]
        return Examined(source, app, tuple(told))
    return Examined(source, None, (*told, *raw_rule_problems(source)))


def _without(content: dict[str, Any], error: ValidationError) -> tuple[dict[str, Any], set[Keys]]:
    """The content without its wrong parts, required sections filled in; and which parts those were."""
    left, gone = copy.deepcopy(content), set[Keys]()
    for item in error.errors():
        keys = known_part(content, item["loc"])
        keys = keys[: next((i for i, key in enumerate(keys) if isinstance(key, int)), len(keys))]
        if item["type"] == "missing" and (stand_in := _stand_in(str(item["loc"][-1]), content)):
            gone.add((*keys, item["loc"][-1]))
            _part(left, keys)[item["loc"][-1]] = stand_in
        elif keys:
            gone.add(keys)
            _part(left, keys[:-1]).pop(keys[-1], None)
    return left, gone if left != content else set()


def _part(content: dict[str, Any], keys: Keys) -> dict[str | int, Any]:
    """The mapping at a path; an empty one where there is none, as when its parent was wrong too."""
    node: Any = content
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _stand_in(key: str, content: dict[str, Any]) -> Any:
    """Something right for a key that is missing, or None for one that cannot be made up."""
    metrics = content.get("metrics")
    metric = next(iter(metrics)) if isinstance(metrics, dict) and metrics else "none"
    return {
        **dict.fromkeys(("app", "title", "theme", "category"), "none"),
        **dict.fromkeys(("features", "metrics"), [metric] if content.get("metrics") else None),
        "score": metric,
        "tier": "bronze",
        "type": "text",
        "criteria": "none " * 5,
        "risk_tolerance": 0.5,
        "segments": {"features": [metric], "score": metric},
        "voice": {"theme": "none"},
        "challenges": {"metrics": [metric]},
    }.get(key)


def _holds(problem: Problem, aside: set[Keys]) -> bool:
    """Whether the problem lies in a part that was set aside, and may only be there because of that."""
    return any(".".join(map(str, keys)).startswith(f"{problem.key}.") for keys in aside)


def _not_of(aside: set[Keys], problems: list[Problem]) -> Iterator[Problem]:
    """The problems that do not follow from what was set aside: which name it, or are its absence."""
    names = "|".join(re.escape(str(keys[-1])) for keys in aside)
    paths = {".".join(map(str, keys)) for keys in aside}
    for problem in problems:
        within = any(problem.key == path or problem.key.startswith(f"{path}.") for path in paths)
        asked = ("challenges",) in aside and "challenge" in problem.fault
        if not within and not asked and not (names and re.search(rf"'(?:{names})'", problem.fault)):
            yield problem


def _of(aside: set[Keys], problems: list[Problem]) -> Iterator[Problem]:
    """The problems of parts that were set aside whole."""
    paths = {".".join(map(str, keys)) for keys in aside}
    return (problem for problem in problems if any(problem.key.startswith(f"{path}.") for path in paths))
