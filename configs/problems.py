"""What is wrong with an app file, as sentences: file, line, key, fault, remedy."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from configs.app import App
from configs.errors import AppFileError
from configs.expressions import parse_condition, parse_rule
from configs.metrics import Metric
from configs.speaking import ENGLISH, own_language
from configs.wording import MetricWords, metric_words
from configs.yaml_file import YamlFile

Keys = tuple[str | int, ...]
_SECTIONS = ("events", "metrics", "badges")
_OF_KEYS = frozenset({"missing", "extra_forbidden", "value_error"})  # each a fault of its own at its place


_MAPPING = re.compile(r"an? (?:valid )?(?:dictionary|mapping)(?: or (?:an )?(?:instance|object) of \w+)?")


@dataclass(frozen=True)
class Problem:
    """One fault of an app file."""

    file: str
    line: int
    key: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.fault}. {self.remedy}".rstrip()


def as_error(problems: Sequence[Problem]) -> AppFileError:
    """All problems as one exception, a sentence a line, in the order of the file."""
    return AppFileError(
        "\n".join(dict.fromkeys(str(problem) for problem in sorted(problems, key=lambda problem: problem.line)))
    )


def model_problems(source: YamlFile, error: ValidationError, schema: dict[str, Any]) -> list[Problem]:
    """Translate what pydantic found; `schema` is the app file's JSON Schema."""
    seen: dict[Keys, Any] = {}
    for item in error.errors():  # the branches of a union have a fault each; the first speaks for all
        seen.setdefault(known_part(source.content, item["loc"]) if item["type"] not in _OF_KEYS else item["loc"], item)
    return [problem for item in seen.values() for problem in _translate(source, item, schema)]


def raw_rule_problems(source: YamlFile) -> list[Problem]:
    """The same of a file that cannot be built yet: every `where`, `when` and `nominate_when` that is text."""
    sections = {name: part if isinstance(part := source.content.get(name), dict) else {} for name in _SECTIONS}
    events = [part.get("properties") for part in sections["events"].values() if isinstance(part, dict)]
    columns = {"value"}.union(*(properties for properties in events if isinstance(properties, dict)))
    rules: list[tuple[Keys, Any]] = []
    for name, part in sections["metrics"].items():
        if isinstance(part, dict) and isinstance(text := part.get("where"), str):
            rules.append((("metrics", name, "where"), lambda text=text: parse_condition(text, columns)))
    for name, part in sections["badges"].items():
        if not isinstance(part, dict):
            continue
        judged = part["judged"] if isinstance(part.get("judged"), dict) else {}
        for keys, text in ((("when",), part.get("when")), (("judged", "nominate_when"), judged.get("nominate_when"))):
            if isinstance(text, str) and sections["metrics"]:
                rules.append((("badges", name, *keys), lambda text=text: parse_rule(text, sections["metrics"])))
    return _broken(source, rules)


def rule_problems(source: YamlFile, app: App) -> list[Problem]:
    """Check the SQL of every metric's `where` and every badge's `when`."""
    return _broken(source, _rules(app))


def word_problems(source: YamlFile, app: App) -> list[Problem]:
    """Labels and tasks of which no sentence can be made."""
    return [
        _problem(source, ("metrics", name, key), fault, remedy)
        for name in app.metrics
        if (words := metric_words(app, name))
        for key, fault, remedy in _unsayable(app.metrics[name], words, own_language(app) == ENGLISH)
    ]


def _unsayable(metric: Metric, words: MetricWords, english: bool) -> Iterator[tuple[str, str, str]]:
    if re.search(r"[.!?;:](?:\s|$)|^(?:how|what|when|which|whether)\b(?! many )", metric.label, re.IGNORECASE):
        yield "label", f"'{metric.label}' is no name of a thing", "Say what is counted: 'puzzles solved'."
    if metric.task.count("{goal}") > 1:
        yield "task", "has {goal} more than once", "Keep one of them."
    if english and re.search(r"\b(?:an?|one|another|each|every|\d+) $", words.before, re.IGNORECASE):
        yield "task", f"puts '{words.before.split()[-1]}' before a number", "Write it as 'Solve {goal}'."
    named = "|".join(map(re.escape, filter(str.isalpha, {words.unit, words.plural})))
    if named and re.match(rf" (?:{named})\b", words.after, re.IGNORECASE):
        yield "task", "names the unit again behind {goal}", "Leave it out: {goal} is the number with its unit."


def _broken(source: YamlFile, rules: Iterable[tuple[Keys, Any]]) -> list[Problem]:
    found = []
    for keys, check in rules:
        try:
            check()
        except ValueError as error:
            remedy = "A condition compares and calculates only; docs/apps.md lists what it may say."
            found.append(_problem(source, keys, str(error), remedy))
    return found


def _rules(app: App) -> Iterator[tuple[Keys, Any]]:
    for name, metric in app.metrics.items():
        if metric.where is not None:
            events = [app.events[e] for e in metric.events or app.active_events if e in app.events]
            columns = {"value"}.union(*(event.properties for event in events))
            yield ("metrics", name, "where"), lambda text=metric.where, known=columns: parse_condition(text, known)
    for name, badge in app.badges.items():
        if not badge.condition:
            continue  # only a reward gives it
        keys: Keys = ("badges", name, "judged", "nominate_when") if badge.judged else ("badges", name, "when")
        yield keys, lambda text=badge.condition: parse_rule(text, app.metrics)


def _translate(source: YamlFile, item: Any, schema: dict[str, Any]) -> Iterator[Problem]:
    keys: Keys = tuple(item["loc"])
    if item["type"] == "extra_forbidden":
        yield _problem(
            source, keys, "is not a key that stands here", _suggest(str(keys[-1]), _allowed(schema, keys[:-1]))
        )
    elif item["type"] == "missing":
        yield _problem(source, keys, "is missing", "Add it; docs/apps.md says what belongs there.")
    elif item["type"] == "value_error":
        for text in str(item["ctx"]["error"]).split("\n"):
            yield consistency_problem(source, text, keys)
    else:
        shown = (
            repr(item["input"]) if isinstance(item["input"], str | int | float | bool | None) else "what stands there"
        )
        wanted = _MAPPING.sub("keys with values, a line each", item["msg"])
        fault = f"{shown[:80]} does not fit: {wanted[:1].lower()}{wanted[1:]}"
        yield _problem(source, known_part(source.content, keys), fault, "Correct the value.")


def consistency_problem(source: YamlFile, text: str, keys: Keys = ()) -> Problem:
    """A sentence of a model's own validator; the App's name their key first and end with a remedy after ';'."""
    if not keys and ": " in text:
        path, text = text.split(": ", 1)
        keys = tuple(path.split("."))
    fault, _, remedy = text.partition("; ")
    return _problem(source, keys, fault, f"{remedy[:1].upper()}{remedy[1:]}." if remedy else "")


def _problem(source: YamlFile, keys: Keys, fault: str, remedy: str) -> Problem:
    path = ".".join(str(key) for key in keys if key != "[key]")
    return Problem(str(source.path), source.line(keys), path, fault.rstrip("."), remedy)


def known_part(content: dict[str, Any], keys: Keys) -> Keys:
    """The key path without the names that pydantic adds for the branches of a union."""
    node: Any = content
    kept: list[str | int] = []
    for key in keys:
        here = node if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}
        if key in here:
            node = here[key]
            kept.append(key)
    return tuple(kept)


def _suggest(name: str, allowed: Collection[str]) -> str:
    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Allowed are {', '.join(sorted(allowed))}." if allowed else "Remove it."


def _allowed(schema: dict[str, Any], keys: Keys) -> list[str]:
    """The keys that the JSON Schema knows at a place."""
    node = schema
    for key in keys:
        node = _resolve(schema, _step(_resolve(schema, node), key))
    return list(node.get("properties", {}))


def _step(node: dict[str, Any], key: str | int) -> dict[str, Any]:
    if key in node.get("properties", {}):
        step = node["properties"][key]
    elif isinstance(key, int):
        step = node.get("items", {})
    else:
        patterns = list(node.get("patternProperties", {}).values())
        step = patterns[0] if patterns else node.get("additionalProperties", {})
    return step if isinstance(step, dict) else {}


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for branch in (node, *node.get("anyOf", []), *node.get("allOf", [])):
        if "$ref" in branch:
            target: dict[str, Any] = schema["$defs"][branch["$ref"].removeprefix("#/$defs/")]
            return target
    return node
