"""The forms of a metric's words: how its numbers and tasks are said, derived from label, unit, task and agg."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from configs.app import App
from configs.app_key import AppKey
from configs.metrics import Metric
from configs.nouns import (
    head_of,
    is_counted,
    is_currency,
    names_several,
    plural_of,
    singular_of,
    singular_unit,
    spelled,
)
from configs.voice import primary

LONGEST_NUMBER = 24  # of a goal, with what bounds it: 'no more than 1,250.75 '
LONGEST_BESIDE = 100  # of a task that is asked beside another
Measure = Literal["total", "average", "level", "share"]
_SPACES = frozenset("\n\r\t")
INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})  # categories of characters that no text needs
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
# Of one thing they say which one it is: 'a longest ride of 80 km' is 'a ride of 80 km'.
_SIZE = re.compile(
    r"^(?:largest|biggest|greatest|longest|shortest|farthest|furthest|deepest|steepest|heaviest|lightest|thickest"
    r"|tallest|widest|smallest) (?!value\b|size\b)",
    re.IGNORECASE,
)
_OF_ONE = re.compile(rf"^({_EXTREME.pattern[1:]})?([\w-]+) of an? ([\w-]+)$", re.IGNORECASE)  # 'length of a trip'
_OTHERS = re.compile(r"\b(?:other people|other \w+s|others)['\u2019]s? (\w+)$", re.IGNORECASE)
_IN_A_ROW = re.compile(r" (?:in a row|on end|running)$|\bconsecutive ", re.IGNORECASE)
# What its unit says already: 'weight returned' in kg is '2 kg returned', 'distance' in km is '2 km'.
_SAID_BY_UNIT = re.compile(
    r"^(?:amount|money|sum|quantity|distance|weight|time|duration|length|height|volume|energy)(?: (.+))?$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]")
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
        one: What one of it is called without its task: 'comment on someone else's post'.
        many: The same for several: 'comments on other people's posts'.
        after_one: The task behind a goal of one: ' on someone else's post'.
        named: What has the level, without its size: 'best drill score', 'ride' of the longest ride, 'trip length'.
        measure: 'total' is a number of things ('13 records in one basket'), 'average' a mean number of them, 'level' a
            value of something ('a best drill score of 610 points'), 'share' a part of all, from 0 to 1.
        averaged: Whether it is the mean of a level and its label does not say so: 'heart rate' of all workouts.
        bounded: Whether the task itself says that its goal is the most: 'Finish a lap in under {goal}'.
        in_task: Singular and plural in the case of the task, where that differs.
    """

    before: str
    after: str
    label: str
    unit: str
    plural: str
    one: str
    many: str
    after_one: str
    named: str
    measure: Measure
    averaged: bool
    bounded: bool
    in_task: tuple[str, str] = ("", "")

    @property
    def asked(self) -> tuple[str, str]:
        """Singular and plural as they stand behind the goal of the task."""
        one, many = self.in_task
        return one or self.unit, many or one or self.plural

    @property
    def begins(self) -> str:
        """The task up to its goal as it stands within a sentence; a name or an abbreviation keeps its capital."""
        lowers = self.before[1:2].islower() or self.before[1:2] == " "
        return self.before[:1].lower() + self.before[1:] if lowers else self.before

    @property
    def task_length(self) -> int:
        """The most characters of the task with its goal."""
        return len(self.before) + len(self.after) + max(map(len, self.asked)) + LONGEST_NUMBER


def metric_words(app: App, name: str) -> MetricWords | None:
    """The words of a metric, or None when the app has no such metric; a night asks for them hundreds of times."""
    return _metric_words(AppKey(app), name)


@lru_cache(maxsize=1_000)
def _metric_words(of: AppKey, name: str) -> MetricWords | None:
    app = of.app
    metric = app.metrics.get(name)
    if metric is None:
        return None
    if primary(app.voice.languages[0]) != "en":
        return _as_said(app, metric, name)
    before, slot, after = metric.task.partition("{goal}")
    before = plain(before, edges=False).lstrip() if slot else ""
    after = plain(after, edges=False).rstrip(".!? ") if slot else ""
    unit, plural = _unit(metric)
    label = _cleaned(app, metric, unit, plural) or plural or name.replace("_", " ")
    measure, (one, many) = _measure(app, metric, label, plural), _counted(metric, label, unit, plural)
    if measure in {"level", "share"}:
        label = _DETERMINER.sub("", label)
        label = f"share of {label}" if measure == "share" and names_several(label) else label
    named = _named(metric, label)
    if measure == "level":
        named, one, many = _level(named, unit, plural)
    return MetricWords(
        before,
        after,
        label,
        unit,
        plural,
        one,
        many,
        _of_one(after),
        named,
        measure,
        metric.agg == "mean" and measure == "level" and not _SAYS_AVERAGE.search(label),
        bool(_BOUNDED.search(before) or _BOUNDED.search(after)),
    )


def _as_said(app: App, metric: Metric, name: str) -> MetricWords:
    """The words of a metric in a language whose forms are not derived: as the file has them."""
    before, slot, after = metric.task.partition("{goal}")
    before = plain(before, edges=False).lstrip() if slot else ""
    after = plain(after, edges=False).rstrip(".!? ") if slot else ""
    unit, label = plain(metric.unit), plain(metric.label) or name.replace("_", " ")
    plural = plain(metric.plural) or unit
    compound = _compounds(label, plural)
    things = compound or bool(names_unit(label, plural))
    single: Measure = "average" if metric.agg == "mean" and things else "level"
    share = metric.agg == "mean" and _of_booleans(app, metric)
    measure: Measure = "share" if share else single if metric.aggregation.single else "total"
    counted = measure in {"total", "average"}
    many = label if counted and (things or not unit) else plural
    one = unit
    if counted and (compound or measure == "average" or not unit):
        one = label.replace(plural.lower(), unit.lower(), 1) if compound else label.replace(plural, unit, 1)
    averaged = metric.agg == "mean" and measure == "level"
    forms = (*map(plain, metric.in_task), "", "")[:2]
    return MetricWords(
        before=before,
        after=after,
        label=label,
        unit=unit,
        plural=plural,
        one=one,
        many=many,
        after_one=after,
        named=label,
        measure=measure,
        averaged=averaged,
        bounded=False,
        in_task=(forms[0], forms[1]),
    )


def _compounds(label: str, plural: str) -> bool:
    """Whether a label begins with its unit in a compound: 'Trainingsminuten' are Minuten, as nouns are there."""
    first = label.partition(" ")[0]
    return plural[:1].isupper() and first[:1].isupper() and first != plural and first.endswith(plural.lower())


def _of_booleans(app: App, metric: Metric) -> bool:
    """Whether what is measured is true or false, so that its mean is a share."""
    measured = [
        app.property_of(event, metric.of or "value")
        for event in metric.events or app.active_events
        if event in app.events
    ]
    return bool(measured) and all(p is not None and p.type == "boolean" for p in measured)


def plain(text: str, *, edges: bool = True) -> str:
    """A string of the app file as harmless text: one line, no control characters, no braces, tags or backticks.

    Args:
        text: As the file has it.
        edges: Whether spaces at both ends go.
    """
    kept = "".join(
        " " if c in _SPACES else c for c in text if c in _SPACES or unicodedata.category(c) not in INVISIBLE
    ).translate(_HARMLESS)
    return " ".join(kept.split()) if edges else kept


def names_unit(label: str, plural: str) -> re.Match[str] | None:
    """Where a label has the things counted: 'accepted answers' has 'answers', 'the longest run of days' is a run."""
    found = re.search(rf"(?<!\w){re.escape(plural)}(?!\w)", label, re.IGNORECASE) if plural else None
    return found if found and found.start() <= len(head_of(label)) else None


def _unit(metric: Metric) -> tuple[str, str]:
    """One and several of its unit; who writes 'points' as the unit means one point and several."""
    unit, plural = plain(metric.unit), plain(metric.plural)
    if unit and not plural and (single := singular_unit(unit)) != unit:
        return single, unit
    return unit, plural or plural_of(unit)


def _counted(metric: Metric, label: str, unit: str, plural: str) -> tuple[str, str]:
    """What one and what several are called.

    The label where it names the things counted; the unit alone where the label names other things; the unit of the
    label where it names one thing: '12 kilometres of running distance'.
    """
    shown = _COUNTING.sub("", _EXTREME.sub("", label)) if metric.aggregation.single else label
    if named := _by_name(metric, shown, unit, plural):
        return named
    if not unit or (metric.aggregation.ones and names_several(shown) and not _SAID_BY_UNIT.search(label)):
        return _one_of(shown) if names_several(shown) else shown, shown
    return f"{unit}{_of_what(label, unit, plural)}", f"{plural}{_of_what(label, unit, plural)}"


def _by_name(metric: Metric, shown: str, unit: str, plural: str) -> tuple[str, str] | None:
    """One and several, where the label names its unit: 'puzzles solved'."""
    found = next((found for name in (plural, *spelled(unit)) if (found := names_unit(shown, name))), None)
    found = found or (names_unit(shown, unit) if not metric.aggregation.single else None)
    if found is None:
        return None
    start, tail = shown[: found.start()], shown[found.end() :]
    start = "" if start.lower().startswith(f"{_verb(metric)} ") else start
    return f"{_DIFFERENT.sub('', start)}{unit}{_of_one(tail)}", f"{start}{plural}{tail}"


def _of_what(label: str, unit: str, plural: str) -> str:
    """What stands behind a unit that the label does not begin with: ' of running distance', ' in fares paid'."""
    if said := _SAID_BY_UNIT.search(label):
        return f" {said[1]}" if said[1] else ""
    if label in {unit, plural} or re.search(rf"\b{re.escape(plural)}\b", label):
        return ""
    if is_currency(unit):
        return f" in {label}"
    return "" if names_several(label) and is_counted(unit) else f" of {label}"


def _one_of(things: str) -> str:
    """One of several things: 'comments on other people's posts' are each a 'comment on someone else's post'."""
    return _of_one(_IN_A_ROW.sub("", _DIFFERENT.sub("", singular_of(things))))


def _of_one(rest: str) -> str:
    """What stands behind several things, as it stands behind one."""
    return _IN_A_ROW.sub("", _OTHERS.sub(lambda found: f"someone else's {singular_of(found[1])}", rest))


def _named(metric: Metric, label: str) -> str:
    """What has a level: the longest ride is a ride, and the length of a trip the trip length."""
    size = _SIZE.sub("", label) if metric.agg in {"max", "min", "streak"} else label
    return _OF_ONE.sub(lambda found: f"{found[1] or ''}{found[3]} {found[2]}", size)


def _level(named: str, unit: str, plural: str) -> tuple[str, str, str]:
    """What has a level, one of its unit and several: a run of library days is a run, of so many library days."""
    found = re.search(rf" of (.*\b{re.escape(plural)})$", named) if plural else None
    if found is None:
        return named, unit, plural
    return named[: found.start()], f"{found[1].removesuffix(plural)}{unit}", found[1]


def _cleaned(app: App, metric: Metric, unit: str, plural: str) -> str:
    """A label as it stands within a sentence, without what the number and its unit say."""
    label = _COUNT_OF.sub("", _COUNTING.sub("", _ASIDE.sub("", plain(metric.label)).strip()))
    label = _unit_behind(unit, plural).sub("", label) if unit else label
    return _SHORT_AVERAGE.sub("average", _sentence_case(app, label, (plural, *spelled(unit))))


def _unit_behind(unit: str, plural: str) -> re.Pattern[str]:
    """A unit that the label repeats: 'distance in km'."""
    names = "|".join(map(re.escape, sorted({unit, plural, *spelled(unit)}, key=len, reverse=True)))
    return re.compile(rf"(?<=\w) in (?:{names})$", re.IGNORECASE)


def _verb(metric: Metric) -> str:
    """The first word of its task, such as 'solve'."""
    return metric.task.strip().partition(" ")[0].lower() or "-"


def _measure(app: App, metric: Metric, label: str, plural: str) -> Measure:
    shown = _COUNTING.sub("", _EXTREME.sub("", label))
    things = bool(names_unit(shown, plural)) or names_several(shown)
    if not metric.aggregation.single:
        return "total" if things or (metric.unit and metric.agg != "streak") else "level"
    if metric.agg == "mean" and _of_booleans(app, metric):
        return "share"
    return ("average" if metric.agg == "mean" else "total") if things else "level"


def _sentence_case(app: App, label: str, names: Sequence[str]) -> str:
    """A label as it stands within a sentence: 'Puzzles solved' and 'Best Drill Score' lose their capitals.

    Only where the first word is hardly a name: it is the unit's (one of `names`), a word such as 'best', or most labels
    of the app begin with a capital. A word with capitals inside, such as 'CO2' or 'XP', keeps them.
    """
    if label.isupper() and len(label) > 4:
        return label.lower()
    begins = next((name for name in names if (found := names_unit(label, name)) and found.start() == 0), "")
    if not (begins or _EXTREME.match(label) or _begin_with_capitals(app)):
        return label
    words = label.split(" ")
    titled = all(word[:1].isupper() for word in words if len(word) > 3)
    words = [_lowered(word) if titled or i == 0 else word for i, word in enumerate(words)]
    return begins + " ".join(words)[len(begins) :]


def _begin_with_capitals(app: App) -> bool:
    labels = [metric.label.strip() for metric in app.metrics.values() if metric.label.strip()]
    return sum(label[0].isupper() and label[1:2].islower() for label in labels) * 2 > len(labels)


def _lowered(word: str) -> str:
    return word.lower() if word[1:].islower() or len(word) == 1 else word
