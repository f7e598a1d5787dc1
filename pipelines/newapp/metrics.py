"""Which metrics an app may begin with: a count of every kind of event, its numbers, its different things, its days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.newapp.properties import Carried
from pipelines.newapp.sample import plain_name
from pipelines.newapp.vocabulary import ENDED, KINDS, MONEY, OUTCOME, PAYING, SPENT, UNWANTED, WON
from pipelines.newapp.words import THINGS, Words, ended_words, event_words, number_words, thing_words

_MOST_COUNTS, _MOST_NUMBERS = 8, 8
_MOST_KINDS, _KINDS_COUNTED = 12, 3
_INITIALS = 3  # letters: OK, TV, DVD
_COME_TO_AN_END = {"finished", "completed", "solved", "won"}
# Which metric leads, by what it adds up, best first.
_LEADERS = ("collected", "money spent", "distance covered", "time spent")


@dataclass(frozen=True)
class Measured:
    """A metric to begin with.

    Attributes:
        name: In the app file.
        keys: agg, event, of and where.
        words: How it is said.
        askable: Whether players can only move it towards a target, and its words have a task.
        adds_up: Whether its values of several days can be added.
    """

    name: str
    keys: Mapping[str, Any]
    words: Words
    askable: bool = False
    adds_up: bool = False


def metrics_of(kinds: Mapping[str, Sequence[Carried]]) -> list[Measured]:
    """Metrics for kinds of events, the most frequent first, by the properties that they carry.

    Averages, what nobody wants more of, and things of which nobody would be asked to try more, are left to whoever has
    a use for them.
    """
    found: dict[str, Measured] = {}
    for event in list(kinds)[:_MOST_COUNTS]:
        said = event_words(event)
        if len(kinds) > 1 and not said.task:
            continue  # it goes into the sum of all, and a badge may come to rest on it
        if len(kinds) == 1 and (ended := _ended(event, kinds[event])):
            _add(found, ended)
            said = replace(ended_words(event, "begun"), task="") if said.label.split()[-1] in _COME_TO_AN_END else said
        name = plain_name(said.label.replace("-", " ").split())
        _add(found, Measured(name, {"event": event}, said, bool(said.task), adds_up=True))
    if len(kinds) > 1:
        _add(found, Measured("actions", {}, THINGS, True, adds_up=True))
    carriers = _carriers(kinds)
    for metric in _of_each_kind(kinds):
        _add(found, metric)
    for metric in _won(kinds):
        _add(found, metric)
    numbers = [
        one
        for one, _ in carriers.values()
        if one.type in {"integer", "number"} and not _is_flag(one) and not set(one.words) & UNWANTED
    ]
    # Of two that say the same, what more rows have, and then what the player spent.
    numbers.sort(key=lambda one: (-one.column.filled, not set(one.words) & SPENT))
    paid_in = next((one.column.form.unit for one in numbers if set(one.words) & MONEY and one.column.form.unit), "")
    measured = [_number(one, carriers[one.name][1], kinds, paid_in) for one in numbers]
    for metric in [metric for metric in measured if metric.keys["agg"] != "mean"][:_MOST_NUMBERS]:
        _add(found, metric)
    things = [one for one, _ in carriers.values() if one.type == "text" and one.column.distinct >= 3]
    for one in things:
        words = thing_words(one.words[-2:] if one.words[-1] in {"id", "no"} else one.words[-1:])
        if not words.task:
            continue
        keys = _keys("distinct", carriers[one.name][1], kinds, one.name)
        _add(found, Measured(plain_name(words.label.split()), keys, words, True))
    _add(
        found, Measured("days", {"agg": "days"}, Words("days with something done", "day", "Come back on {goal}"), True)
    )
    return list(found.values())


def _of_each_kind(kinds: Mapping[str, Sequence[Carried]]) -> list[Measured]:
    """Counts of the most frequent kinds of the one thing that is done, by a property such as `type`."""
    event = next(iter(kinds))
    if len(kinds) > 1 or not event_words(event).task:
        return []
    found = []
    for one in kinds[event]:
        told = one.type == "text" and set(one.words) & KINDS and not set(one.words) & PAYING
        if not told or not 2 <= one.column.distinct <= _MOST_KINDS:
            continue
        for value in one.column.values[:_KINDS_COUNTED]:
            if value.isascii() and value.replace(" ", "").isalpha():
                spelled = value if value.isupper() and len(value) <= _INITIALS else value.lower()
                said = event_words(f"{spelled.replace(' ', '_')}_{event}")
                said = replace(said, task="") if set(spelled.lower().split()) & UNWANTED else said
                keys = {"event": event, "where": f"{one.name} = '{value}'"}
                found.append(Measured(plain_name(said.label.split()), keys, said, bool(said.task)))
    return found


def _ended(event: str, properties: Sequence[Carried]) -> Measured | None:
    """How often what was begun came to its end, by a truth such as `completed`: the rest is begun, and no more."""
    for one in properties:
        ending = next((ENDED[word] for word in one.words if word in ENDED), "")
        if ending and event_words(event).task and (one.type == "boolean" or _is_flag(one)):
            said, true = ended_words(event, ending), "true" if one.type == "boolean" else "1"
            keys = {"event": event, "where": f"{one.name} = {true}"}
            return Measured(plain_name(said.label.split()), keys, said, True, adds_up=True)
    return None


def _won(kinds: Mapping[str, Sequence[Carried]]) -> list[Measured]:
    """How often the one thing that is done was won, by a property such as `outcome`."""
    event, properties = next(iter(kinds.items()))
    if len(kinds) > 1 or not event_words(event).task:
        return []
    for one in properties:
        won = [value for value in one.column.values if value.lower() in WON]
        if one.type == "text" and set(one.words) & OUTCOME and len(won) == 1 and one.column.distinct <= _MOST_KINDS:
            said, keys = ended_words(event, "won"), {"event": event, "where": f"{one.name} = '{won[0]}'"}
            return [Measured(plain_name(said.label.split()), keys, said, True, adds_up=True)]
    return []


def _is_flag(one: Carried) -> bool:
    """Whether its figures are only 0 and 1, which say yes or no."""
    return one.type == "integer" and one.column.form.lowest >= 0 and one.column.form.highest <= 1


def _add(found: dict[str, Measured], metric: Measured) -> None:
    known = {(str(one.keys), one.words.label) for one in found.values()} | {one.words.label for one in found.values()}
    if metric.name not in found and metric.words.label not in known:
        found[metric.name] = metric


def _carriers(kinds: Mapping[str, Sequence[Carried]]) -> dict[str, tuple[Carried, list[str]]]:
    """Each property with the kinds of event that carry it."""
    found: dict[str, tuple[Carried, list[str]]] = {}
    for event, properties in kinds.items():
        for one in properties:
            found.setdefault(one.name, (one, []))[1].append(event)
    return found


def _keys(agg: str, events: Sequence[str], kinds: Mapping[str, Sequence[Carried]], of: str) -> dict[str, Any]:
    where = {} if len(events) == len(kinds) > 1 else {"event": events[0] if len(events) == 1 else list(events)}
    return {**where, "agg": agg, "of": of}


def _number(one: Carried, events: list[str], kinds: Mapping[str, Sequence[Carried]], paid_in: str) -> Measured:
    """How one number is measured; what is paid, in the currency that any column of amounts has signs of."""
    sign = one.column.form.unit or (paid_in if set(one.words) & MONEY else "")
    agg, words = number_words(one.words, sign, events[0])
    brief = words.unit == "second"  # long spans are in minutes: nobody keeps at it for 18 seconds
    asked = bool(words.task) and not brief and (agg != "sum" or one.nonnegative)
    bare = one.name.removeprefix("average_").removeprefix("mean_").removeprefix("avg_")
    name = one.name if agg == "sum" else f"{'best' if agg == 'max' else 'average'}_{bare}"
    return Measured(name, _keys(agg, events, kinds, one.name), words, asked, adds_up=agg == "sum" and one.nonnegative)


def leader_of(metrics: Sequence[Measured]) -> Measured:
    """The metric that says best how strong a player is."""

    def place(metric: Measured) -> int:
        label = metric.words.label
        return next((i for i, end in enumerate(_LEADERS) if label.endswith(end) and metric.adds_up), len(_LEADERS))

    best = min(metrics, key=place)
    if place(best) < len(_LEADERS):
        return best
    return next((m for m in metrics if m.keys.get("agg") == "max"), metrics[0])


def features_of(metrics: Sequence[Measured], leader: Measured) -> list[str]:
    """The metrics that describe strength: the leader, the first count, and up to two more that add up."""
    more = [m.name for m in metrics if m.adds_up and m.keys.get("agg") == "sum"]
    count = "actions" if any(m.name == "actions" for m in metrics) else metrics[0].name
    return list(dict.fromkeys([count, leader.name, *more]))[:4]
