"""What events carry: properties with their types, and which columns are left out."""

from dataclasses import dataclass

from pipelines.newapp import vocabulary as words
from pipelines.newapp.guess import Guess
from pipelines.newapp.sample import Column, Table, plain_name
from pipelines.newapp.who_when import named
from pipelines.newapp.xapi import NAMES, why_left_of_statements

_MOST_VALUES = 2000


@dataclass(frozen=True)
class Carried:
    """A property of the events: its name in the app file, its column, and the type that it has."""

    name: str
    column: Column
    type: str

    @property
    def words(self) -> tuple[str, ...]:
        """Its name in words, spelled as the column is, without what it lies in."""
        parts = list(NAMES.get(self.column.name, self.column.words))
        while len(parts) > 1 and parts[0] in words.OUTER:
            parts = parts[1:]
        return tuple(part for part in parts if not part.isdigit()) or tuple(parts)

    @property
    def nonnegative(self) -> bool:
        """Whether it may only grow a sum."""
        return self.column.form.lowest >= 0


def carried_by(table: Table, used: set[str], told: list[Guess]) -> tuple[Carried, ...]:
    """The properties that a table's rows carry, without the columns used for something else."""
    found: list[Carried] = []
    left: dict[str, list[str]] = {}
    for column in table.columns:
        if column.name in used:
            continue
        if why := _why_left(column, table) or why_left_of_statements(column, table):
            left.setdefault(why, []).append(column.name)
            continue
        name = _property_name(column, {one.name for one in found})
        type_ = {"integer": "integer", "number": "number", "boolean": "boolean"}.get(column.form.kind, "text")
        found.append(Carried(name, column, "text" if is_label(column) else type_))
    for why, names in left.items():
        told.append(Guess("left out", ", ".join(names), why))
    return tuple(found)


def is_label(column: Column) -> bool:
    """Whether its figures only tell things apart, as codes with leading zeros do; 'number of cds' counts them."""
    if column.words[0] in {"n", "no", "num", "number"} and len(column.words) > 1 and column.form.kind == "integer":
        return False
    if column.form.kind == "integer" and any(len(value) > 1 and value[0] == "0" for value in column.examples):
        return True
    return column.form.kind in {"integer", "text"} and bool(named(column, words.ID) or set(column.words) & words.LABEL)


def _why_left(column: Column, table: Table) -> str:
    """Why a column is no property; empty where it is one."""
    kind, own = column.form.kind, set(column.words)
    figures = kind in {"number", "integer"}
    index = kind == "integer" and column.words[:1] == ("column",) and column.distinct == table.rows
    first = column.examples[0] if column.examples else ""
    reasons = (
        ("empty", kind == "nothing"),
        ("moments; an event has one", kind in {"moment", "clock"} or (kind == "integer" and bool(own & words.TIME))),
        ("always the same", column.distinct == 1 and column.filled == table.rows),
        ("about the person, or free text", bool(own & words.PRIVATE)),
        ("places and counters, of which no figure is made", index or (figures and bool(own & words.PLACE))),
        ("nearly all different", kind == "text" and column.distinct > max(_MOST_VALUES, 0.5 * column.filled)),
        ("long text", kind == "text" and max(map(len, column.examples), default=0) > 120),
        ("lists, or documents of several shapes", kind == "text" and first[:1] in {"[", "{"}),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _property_name(column: Column, taken: set[str]) -> str:
    parts = list(column.words)
    while len(parts) > 1 and parts[0] in words.OUTER:
        parts = parts[1:]
    name = plain_name(NAMES.get(column.name, parts))
    name = {"value": "amount", "event": "event_kind"}.get(name, name)
    return name if name not in taken else plain_name([*column.words, str(len(taken))])
