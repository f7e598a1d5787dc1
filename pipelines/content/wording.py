"""The app file's own words, made safe to stand in a text."""

import unicodedata
from dataclasses import dataclass

from configs.app import App, Metric

_SPACES = frozenset("\n\r\t")
_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_HARMLESS = str.maketrans({"{": "(", "}": ")", "<": "(", ">": ")", "`": "'"})


@dataclass(frozen=True)
class MetricWords:
    """A metric's words.

    Attributes:
        before: The task up to its goal: 'Write '.
        after: The task behind its goal: ' on other people's posts'.
        label: 'comments on other people's posts'.
        unit: 'comment'.
        plural: 'comments'.
        one: What one of it is called without its task: 'comment on other people's posts'.
        many: The same for several.
        measure: 'total' is a number of things, 'level' a value of something, 'share' a part of all, from 0 to 1.
    """

    before: str
    after: str
    label: str
    unit: str
    plural: str
    one: str
    many: str
    measure: str


def metric_words(app: App, name: str) -> MetricWords | None:
    """The words of a metric, or None when the app has no such metric."""
    metric = app.metrics.get(name)
    if metric is None:
        return None
    before, slot, after = metric.task.partition("{goal}")
    unit = plain(metric.unit)
    plural = plain(metric.plural) or (f"{unit}s" if unit[-1:].isalpha() else unit)
    label = plain(metric.label) or plural or name.replace("_", " ")
    one, many = _counted(label, unit, plural)
    return MetricWords(
        before=plain(before, edges=False).lstrip() if slot else "",
        after=plain(after, edges=False).rstrip(". ") if slot else "",
        label=label,
        unit=unit,
        plural=plural,
        one=one,
        many=many,
        measure=_measure(app, metric),
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


def _counted(label: str, unit: str, plural: str) -> tuple[str, str]:
    """What one and what several are called: the label where it begins with the plural, else the unit with the label."""
    rest = label[len(plural) :]
    if plural and label.startswith(plural) and not rest[:1].isalnum():
        return f"{unit}{rest}", label
    if unit and label != unit:
        return f"{unit} ({label})", f"{plural} ({label})"
    return (unit, plural) if unit else (label, label)


def _measure(app: App, metric: Metric) -> str:
    if metric.agg not in {"max", "min", "mean"}:
        return "total"
    measured = [app.property_of(event, metric.of or "value") for event in metric.events or app.active_events]
    shares = metric.agg == "mean" and all(p is not None and p.type == "boolean" for p in measured)
    return "share" if shares else "level"
