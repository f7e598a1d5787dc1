"""What the columns of a table are for: who, when, what kind of event, its id, and what it carries; each with a why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from configs.nouns import singular_of
from pipelines.activity.normalise import text
from pipelines.newapp import vocabulary as words
from pipelines.newapp.belonging import foreign_to, tells_kinds
from pipelines.newapp.durations import how_long
from pipelines.newapp.guess import Guess
from pipelines.newapp.properties import Carried, carried_by
from pipelines.newapp.sample import Column, Table, plain_name, words_of
from pipelines.newapp.who_when import as_moment, find_time, find_user, named, said_column, user_score, with_clock
from pipelines.newapp.wide import MARK, something_done, told_of_marks
from pipelines.newapp.words import is_done, named_event, named_for
from pipelines.newapp.xapi import Voiding, is_xapi, statement_id, voiding, who_when_what

MOST_KINDS, OTHER = 20, "other"


@dataclass(frozen=True)
class Roles:
    """A table's columns by what they are for.

    Attributes:
        kinds: Events by the value of `event` that stands for them; the one of a table without such a column by ''.
        hidden: The condition that leaves rows out, as SQL, or empty.
        voiding: The rows that are no events but take others back.
    """

    table: Table
    user: str
    moment: str
    event_id: str
    event: Column | None
    kinds: dict[str, str]
    properties: tuple[Carried, ...]
    guesses: tuple[Guess, ...]
    zoned: bool = False
    hidden: str = ""
    voiding: Voiding | None = None


def find_roles(table: Table, user: str | None, time: str | None, event: str | None) -> Roles:
    """Guess what each column of a table is for.

    Args:
        table: The sample.
        user: The column that names the player, where the person said so.
        time: The column of the moment.
        event: The column of the kind of event.

    Raises:
        NightquestError: Nothing looks like a player or a moment; it names the columns.
    """
    told: list[Guess] = []
    what: Column | None
    if is_xapi(table):
        who, when, what = who_when_what(table, told)
    else:
        who, when = find_user(table, user, told), find_time(table, time, told)
        what = _event(table, event, {who.name, when.name}, told)
    used = {column.name for column in (who, when, what) if column}
    id_ = statement_id(table, told) if is_xapi(table) else _event_id(table, used, told)
    used |= {id_.name} if id_ else set()
    moment, clock = with_clock(table, when, told)
    used |= {clock} if clock else set()
    kinds = _kinds(table, what, told)
    took = () if is_xapi(table) else how_long(table, when, clock, told)
    carried = (*carried_by(table, used, told), *took)
    return Roles(
        table,
        f"trim({who.sql})" if who.form.kind == "text" and not is_xapi(table) else who.sql,
        moment,
        id_.sql if id_ else "",
        what,
        kinds,
        carried,
        tuple(told),
        zoned=when.form.zoned,
        hidden=_hidden(table, who),
        voiding=voiding(table) if is_xapi(table) else None,
    )


def _hidden(table: Table, who: Column) -> str:
    """The condition that leaves rows out which are no events."""
    if is_xapi(table):
        return "(r.\"verb\" ->> '/id') NOT LIKE '%/voided'"
    return something_done(_marks(table), who.sql) if table.wide else ""


def _marks(table: Table) -> tuple[str, ...]:
    """The marks of a wide table, the most frequent first."""
    return next(column.values for column in table.columns if column.name == MARK)


def _event(table: Table, given: str | None, used: set[str], told: list[Guess]) -> Column | None:
    if given:
        told.append(Guess("kind of event", given, "you said so"))
        return said_column(table, given, "--event")
    fit = [
        column
        for column in table.columns
        if column.name not in used
        and column.form.kind == "text"
        and 2 <= column.distinct <= 200
        and column.filled >= 0.95 * table.rows
        and column.distinct < 0.2 * table.rows
        and set(column.words) & words.EVENT
        and not set(column.words) & (words.ID | {"value"})
    ]
    free = [column for column in table.columns if column.name not in used]
    fit = fit or [column for column in free if _tells_deeds(column, table)]
    fit = fit or [column for column in free if _has_own_columns(column, table)]
    if not fit:
        return None
    best = min(fit, key=lambda column: (len(column.words), column.distinct))
    told.append(Guess("kind of event", best.name, f"{best.distinct} different: {', '.join(best.examples)}"))
    return best


def _has_own_columns(column: Column, table: Table) -> bool:
    """Whether it is named for kinds, of which some have columns of their own, as concerts have an audience."""
    filled = table.filled.get(column.name)
    return bool(filled and set(column.words) & words.KINDS and column.distinct <= MOST_KINDS and tells_kinds(filled))


def _tells_deeds(column: Column, table: Table) -> bool:
    """Whether its few values are deeds of their own: run, ride and swim of a column 'Activity Type'."""
    if not set(column.words) & words.KINDS or not 2 <= column.distinct <= MOST_KINDS or column.filled < table.rows:
        return False
    return sum(_deed(value) in words.DEEDS.values() for value in column.values) >= 0.6 * column.distinct


def _deed(value: str) -> str:
    """What is done, by a value such as 'Running' or 'Trail Run'; the value where that is not known."""
    parts = words_of(value)
    return next((words.DEEDS[part] for part in reversed(parts) if part in words.DEEDS), "_".join(parts))


def _kinds(table: Table, what: Column | None, told: list[Guess]) -> dict[str, str]:
    """Event names by the value that stands for them."""
    if what is None:
        name, why = named_event(table)
        told.append(Guess("kind of event", name, why))
        marks, why = told_of_marks(_marks(table)) if table.wide else ("", "")
        if marks:
            told.append(Guess("marks", marks, why))
        return {"": name}
    kinds: dict[str, str] = {}
    thing = named_for(table) if set(what.words) & words.KINDS and not _tells_deeds(what, table) else ""
    for value in _kinds_of(what):
        name = plain_name(re.split(r"[/#]", value.rstrip("/#"))[-1].split(), "event")
        name = plain_name([_deed(value)], "event") if _tells_deeds(what, table) else name
        kinds[value] = _of_what(name, thing) if thing else name
    if what.distinct > MOST_KINDS:
        told.append(Guess("rarer kinds", OTHER, f"all but the {MOST_KINDS} most frequent of {what.distinct}"))
    return kinds


def _of_what(kind: str, thing: str) -> str:
    """A kind of the one thing that a file is named for: 'voice_message'; of what is done by itself, just that."""
    return kind if is_done(kind) or thing in kind.split("_") else f"{kind}_{thing}"


def _kinds_of(what: Column) -> list[str]:
    """The most frequent values, without the verb that takes statements back."""
    return [value for value in what.values[:MOST_KINDS] if not value.endswith("/voided")]


def event_sql(roles: Roles) -> str:
    """The kind of event, as SQL."""
    if roles.event is None:
        return text(roles.kinds[""])
    read = f"trim({roles.event.sql})"
    cases = "".join(f"\n           WHEN {text(value)} THEN {text(name)}" for value, name in roles.kinds.items())
    rest = f" ELSE {text(OTHER)}" if roles.event.distinct > MOST_KINDS else f" ELSE {read}"
    return f"CASE {read}{cases}{rest} END"


def _event_id(table: Table, used: set[str], told: list[Guess]) -> Column | None:
    fit = [
        column
        for column in table.columns
        if column.name not in used
        and column.form.kind in {"text", "integer"}
        and column.distinct == column.filled == table.rows > 1
        and named(column, words.ID | words.RECORD)
        and column.words[:1] != ("column",)
    ]
    if not fit:
        told.append(Guess("event id", "none", "no column is different in every row and named like an id"))
        return None
    best = min(fit, key=lambda column: (not set(column.words) & words.ID, len(column.words)))
    told.append(Guess("event id", best.name, "different in every row, and named like an id"))
    return best


def is_events(table: Table) -> bool:
    """Whether a table can hold events: somebody, at a moment."""
    has_moment = any(as_moment(c).form.kind == "moment" for c in table.columns)
    return has_moment and any(user_score(c, table.rows) > 0 for c in table.columns)


def lists_of_people(tables: Sequence[Table]) -> list[Table]:
    """Tables with one row for each of those who act in another one: nobody acts in them."""
    ids = {
        table.name: max(table.columns, key=lambda c: user_score(c, table.rows)) for table in tables if is_events(table)
    }
    once = {name for name, column in ids.items() if column.distinct == column.filled}
    again = {who for name in ids.keys() - once for who in _whose(name, ids[name])}
    return [table for table in tables if table.name in once and _whose(table.name, ids[table.name]) & again]


def _whose(table: str, column: Column) -> set[str]:
    """Whom a column of ids names: 'member' of MemberId, and of the plain id of a table of members."""
    own = {singular_of(word) for word in column.words if word not in words.ID}
    return own or {singular_of(word) for word in words_of(table) if word not in words.LOGS and word != "raw"}


def union_of(roles: Sequence[Roles]) -> dict[str, list[Carried]]:
    """The properties that each kind of event carries; what none of its many rows in the sample has is not declared."""
    found: dict[str, list[Carried]] = {}
    for one in roles:
        names = [*one.kinds.values()]
        if one.event is not None and one.event.distinct > MOST_KINDS:
            names.append(OTHER)
        for name in dict.fromkeys(names):
            foreign = _foreign(one, name)
            known = {carried.name for carried in found.setdefault(name, [])} | foreign
            found[name] += [carried for carried in one.properties if carried.name not in known]
    return found


def _foreign(roles: Roles, kind: str) -> set[str]:
    """Properties that do not belong to a kind of event."""
    if roles.event is None or kind == OTHER:
        return set()
    values = [value for value, name in roles.kinds.items() if name == kind]
    columns = foreign_to(roles.table.filled.get(roles.event.name, {}), values)
    return {one.name for one in roles.properties if one.column.name in columns}
