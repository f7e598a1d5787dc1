"""The forms of a metric's words: how its numbers and tasks are said, derived from label, unit, task and agg."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from configs.app import App, Metric
from configs.nouns import names_several, plural_of, singular_of, singular_unit

Measure = Literal["total", "average", "level", "share"]
_SPACES = frozenset("\n\r\t")
_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_HARMLESS = str.maketrans({"{": "(", "}": ")", "<": "(", ">": ")", "`": "'"})
# What stands before the things themselves and is said by the number: 'number of puzzles', 'most records in one basket'.
_COUNTING = re.compile(
    r"^(?:the |a |an |your |my |their |our )?"
    r"(?:(?:total |overall )?(?:number|count|amount|sum|no\.?|nr\.?|num|#|№) ?of |# ?|how many |total )?",
    re.IGNORECASE,
)
_EXTREME = re.compile(
    r"^(?:most|max(?:imum)?|highest|best|top|largest|biggest|greatest|fewest|least|lowest|min(?:imum)?|average|avg\.?|mean"
    r"|longest|shortest|farthest|furthest|deepest|steepest|heaviest|lightest|fastest|quickest|slowest|cheapest|strongest"
    r"|hardest|busiest|earliest|latest) ",
    re.IGNORECASE,
)
_SHORT_AVERAGE = re.compile(r"\bavg\b\.?", re.IGNORECASE)
_SAYS_AVERAGE = re.compile(r"\b(?:average|mean|median|typical|usual)\b", re.IGNORECASE)
_COUNT_OF = re.compile(r" (?:count|number|amount)$", re.IGNORECASE)
# What its unit says already: 'weight returned' in kg is '2 kg returned', 'distance' in km is '2 km'.
_SAID_BY_UNIT = re.compile(
    r"^(?:amount|money|sum|quantity|distance|weight|time|duration|length|height|volume|energy)(?: (.+))?$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_OF_ONES = frozenset({"count", "distinct", "entity"})  # each adds one, so that the label names what is counted
_VALUES = frozenset({"max", "min", "mean"})  # one value among the events rather than something that adds up
_DETERMINER = re.compile(r"^(?:the|a|an|your|my|their|our) ", re.IGNORECASE)
_DIFFERENT = re.compile(r"\b(?:different|distinct|unique|various) ", re.IGNORECASE)
_BOUNDED = re.compile(
    r"\b(?:at most|under|below|within|no more than|not more than|up to|less than)\W*$"
    r"|^ or (?:less|fewer|faster|better|lower)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class MetricWords:
    """A metric's words.

    Attributes:
        before: The task up to its goal: 'Write '.
        after: The task behind its goal: ' on other people's posts'.
        label: 'comments on other people's posts', 'best drill score'; without an article or a count in front.
        unit: 'comment'.
        plural: 'comments'.
        one: What one of it is called without its task: 'comment on other people's posts'.
        many: The same for several.
        tail: What `one` and `many` share at their end, behind the things counted: ' on other people's posts'.
        measure: 'total' is a number of things ('13 records in one basket'), 'average' a mean number of them, 'level' a
            value of something ('a best drill score of 610 points'), 'share' a part of all, from 0 to 1.
        averaged: Whether it is the mean of a level and its label does not say so: 'heart rate' of all workouts.
        bounded: Whether the task itself says that its goal is the most: 'Finish a lap in under {goal}'.
    """

    before: str
    after: str
    label: str
    unit: str
    plural: str
    one: str
    many: str
    tail: str
    measure: Measure
    averaged: bool
    bounded: bool


def metric_words(app: App, name: str) -> MetricWords | None:
    """The words of a metric, or None when the app has no such metric."""
    metric = app.metrics.get(name)
    if metric is None:
        return None
    before, slot, after = metric.task.partition("{goal}")
    before = plain(before, edges=False).lstrip() if slot else ""
    after = plain(after, edges=False).rstrip(".!? ") if slot else ""
    unit, plural = _unit(metric)
    label = _COUNT_OF.sub("", _COUNTING.sub("", _ASIDE.sub("", plain(metric.label)).strip()))
    label = _SHORT_AVERAGE.sub("average", _sentence_case(app, label, plural)) or plural or name.replace("_", " ")
    measure, (one, many, tail) = _measure(app, metric, label, plural), _counted(metric, label, unit, plural)
    if measure in {"level", "share"}:
        label = _DETERMINER.sub("", label)
        label = f"share of {label}" if measure == "share" and names_several(label) else label
    return MetricWords(
        before,
        after,
        label,
        unit,
        plural,
        one,
        many,
        tail,
        measure,
        metric.agg == "mean" and measure == "level" and not _SAYS_AVERAGE.search(label),
        bool(_BOUNDED.search(before) or _BOUNDED.search(after)),
    )


def plain(text: str, *, edges: bool = True) -> str:
    """A string of the app file as harmless text: one line, no control characters, no braces, tags or backticks.

    Args:
        text: As the file has it.
        edges: Whether spaces at both ends go.
    """
    kept = "".join(
        " " if c in _SPACES else c for c in text if c in _SPACES or unicodedata.category(c) not in _DROPPED
    ).translate(_HARMLESS)
    return " ".join(kept.split()) if edges else kept


def names_unit(label: str, plural: str) -> re.Match[str] | None:
    """Where a label has the things counted: 'accepted answers' has 'answers'."""
    return re.search(rf"(?<!\w){re.escape(plural)}(?!\w)", label, re.IGNORECASE) if plural else None


def _unit(metric: Metric) -> tuple[str, str]:
    """One and several of its unit; who writes 'points' as the unit means one point and several."""
    unit, plural = plain(metric.unit), plain(metric.plural)
    if unit and not plural and (single := singular_unit(unit)) != unit:
        return single, unit
    return unit, plural or plural_of(unit)


def _counted(metric: Metric, label: str, unit: str, plural: str) -> tuple[str, str, str]:
    """What one and what several are called, and what both end with.

    The label where it names the things counted; the unit alone where the label names other things; the unit of the
    label where it names one thing: '12 kilometres of running distance'.
    """
    shown = _EXTREME.sub("", label) if metric.agg in _VALUES else label
    if found := names_unit(shown, plural) or (names_unit(shown, unit) if metric.agg not in _VALUES else None):
        start, tail = shown[: found.start()], shown[found.end() :]
        start = "" if start.lower().startswith(f"{_verb(metric)} ") else start
        return f"{_DIFFERENT.sub('', start)}{unit}{tail}", f"{start}{plural}{tail}", tail
    if not unit:
        return (_DIFFERENT.sub("", singular_of(shown)), shown, "") if names_several(shown) else (shown, shown, "")
    if said := _SAID_BY_UNIT.search(label):
        rest = f" {said[1]}" if said[1] else ""
        return f"{unit}{rest}", f"{plural}{rest}", rest
    if metric.agg in _OF_ONES and names_several(shown):
        return _DIFFERENT.sub("", singular_of(shown)), shown, ""
    if names_several(shown) or label in {unit, plural}:
        return unit, plural, ""
    return f"{unit} of {label}", f"{plural} of {label}", f" of {label}"


def _verb(metric: Metric) -> str:
    """The first word of its task, such as 'solve'."""
    return metric.task.strip().partition(" ")[0].lower() or "-"


def _measure(app: App, metric: Metric, label: str, plural: str) -> Measure:
    things = bool(names_unit(label, plural)) or names_several(label)
    if metric.agg not in _VALUES:
        return "total" if things or (metric.unit and metric.agg != "streak") else "level"
    measured = [
        app.property_of(event, metric.of or "value")
        for event in metric.events or app.active_events
        if event in app.events
    ]
    if metric.agg == "mean" and measured and all(p is not None and p.type == "boolean" for p in measured):
        return "share"
    return ("average" if metric.agg == "mean" else "total") if things else "level"


def _sentence_case(app: App, label: str, plural: str) -> str:
    """A label as it stands within a sentence: 'Puzzles solved' and 'Best Drill Score' lose their capitals.

    Only where the first word is hardly a name: it is the plural of the unit, a word such as 'best', or most labels of
    the app begin with a capital. A word with capitals inside, such as 'CO2' or 'XP', keeps them.
    """
    if label.isupper() and len(label) > 4:
        return label.lower()
    found = names_unit(label, plural)
    begins = bool(found and found.start() == 0)
    if not (begins or _EXTREME.match(label) or _begin_with_capitals(app)):
        return label
    words = label.split(" ")
    titled = all(word[:1].isupper() for word in words if len(word) > 3)
    words = [_lowered(word) if titled or i == 0 else word for i, word in enumerate(words)]
    return plural + " ".join(words)[len(plural) :] if begins else " ".join(words)


def _begin_with_capitals(app: App) -> bool:
    labels = [metric.label.strip() for metric in app.metrics.values() if metric.label.strip()]
    return sum(label[0].isupper() and label[1:2].islower() for label in labels) * 2 > len(labels)


def _lowered(word: str) -> str:
    return word.lower() if word[1:].islower() or len(word) == 1 else word
