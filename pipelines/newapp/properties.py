"""What events carry: properties with their types, and which columns are left out."""

from dataclasses import dataclass, replace

from pipelines.newapp import vocabulary as words
from pipelines.newapp.forms import NUMBER, Form
from pipelines.newapp.guess import Guess
from pipelines.newapp.sample import Column, Table, plain_name
from pipelines.newapp.who_when import as_moment, named
from pipelines.newapp.wide import MARK
from pipelines.newapp.xapi import NAMES, why_left_of_statements

_MOST_VALUES = 2000
_LONG_S = 600
_FEWEST_NUMBERS = 5  # different


@dataclass(frozen=True)
class Carried:
    """A property of the events: its name in the app file, its column, and the type that it has.

    Attributes:
        once: Whether all rows of a player's moment say the same, such as an order's total on each of its lines.
    """

    name: str
    column: Column
    type: str
    once: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Its name in words, spelled as the column is, without what it lies in."""
        parts = list(NAMES.get(self.column.name, self.column.words))
        outer = words.OUTER | (words.FREE_TEXT if "." in self.column.name else frozenset())
        while len(parts) > 1 and parts[0] in outer:
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
    for plain in table.columns:
        if plain.name in used:
            continue
        if why := _why_left(plain, table) or why_left_of_statements(plain, table):
            left.setdefault(why, []).append(plain.name)
            continue
        column = _in_minutes(plain, told)
        name = _property_name(column, {one.name for one in found})
        type_ = {"integer": "integer", "number": "number", "boolean": "boolean"}.get(column.form.kind, "text")
        found.append(Carried(name, column, "text" if is_label(column) else type_))
        if column.form.kind == "text" and (odd := _no_numbers(column)):
            told.append(Guess(column.name, "text", f"most values are numbers, but not {odd}; TRY_CAST in the SELECT"))
        if column.form.doubt:
            told.append(Guess(column.name, column.form.told, column.form.doubt))
    for why, names in left.items():
        told.append(Guess("left out", ", ".join(names), why))
    return tuple(found)


def _no_numbers(column: Column) -> str:
    """A few of the values that keep a column of numbers from being one; empty where most values are no numbers."""
    odd = [value for value in column.values if not NUMBER.match(value)]
    few = 0 < len(odd) < 0.5 * len(column.values) and len(column.values) - len(odd) >= _FEWEST_NUMBERS
    return ", ".join(f"'{value[:20]}'" for value in odd[:3]) if few and not named(column, words.ID) else ""


def _in_minutes(column: Column, told: list[Guess]) -> Column:
    """A column of long spans in seconds, in which nobody is asked to keep at something, read as minutes."""
    form, own = column.form, set(column.words)
    units = {words.DURATION[word][0] for word in own & words.DURATION.keys()}
    seconds = form.unit == "second" or (not form.unit and "second" in units and "minute" not in units)
    if not seconds or form.kind not in {"integer", "number"} or form.highest < _LONG_S:
        return column
    told.append(Guess(column.name, "seconds, read as minutes", "it goes up to many minutes"))
    parts = ["minutes" if words.DURATION.get(word) == ("second", "") else word for word in column.words]
    read = Form("number", f"round({form.sql} / 60.0, 3)", form.told, "minute", form.lowest / 60, form.highest / 60)
    return replace(column, name=" ".join(parts), form=read)


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
    private = words.PRIVATE - words.FREE_TEXT if figures else words.PRIVATE
    index = kind == "integer" and column.words[:1] == ("column",) and column.distinct == table.rows
    first = column.examples[0] if column.examples else ""
    reasons = (
        ("empty", kind == "nothing"),
        ("told of a player, not of a day", bool(table.wide) and figures and column.name != MARK),
        ("times of day; an event has its moment", kind == "clock"),
        ("moments; an event has one", as_moment(column).form.kind == "moment"),
        ("always the same", column.distinct == 1 and column.filled == table.rows),
        ("about the person, or free text", bool(own & private) and not _names_things(column)),
        ("places and counters, of which no figure is made", index or (figures and bool(own & words.PLACE))),
        ("nearly all different", kind == "text" and column.distinct > max(_MOST_VALUES, 0.5 * column.filled)),
        ("long text", kind == "text" and max(map(len, column.examples), default=0) > 120),
        ("lists, or documents of several shapes", kind == "text" and first[:1] in {"[", "{"}),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _names_things(column: Column) -> bool:
    """Whether it is the name or title of something that is done, such as 'course.title', with few values."""
    own = set(column.words)
    known = own & words.PRIVATE <= {"name", "title"} and own & words.TRIED and not own & words.PLAYER
    return bool(known) and column.distinct <= 0.1 * column.filled


def _property_name(column: Column, taken: set[str]) -> str:
    parts = list(column.words)
    while len(parts) > 1 and parts[0] in words.OUTER:
        parts = parts[1:]
    name = plain_name(NAMES.get(column.name, parts))
    name = {"value": "amount", "event": "event_kind"}.get(name, name)
    return name if name not in taken else plain_name([*column.words, str(len(taken))])
