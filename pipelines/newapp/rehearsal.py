"""What the sample shows once its source is tried: spans read too long, totals on each line, ids written two ways."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from configs.nouns import counted
from data.warehouse import Warehouse
from pipelines.newapp.guess import Guess
from pipelines.newapp.metrics import Measured
from pipelines.newapp.properties import Carried
from pipelines.newapp.roles import Roles

_NUMBERS = {"integer", "number"}
_FEWEST_MOMENTS, _SURELY_ALIKE, _ALIKE_BY_LUCK = 20, 0.98, 0.5
_TOO_OFTEN = 0.1  # players who begin the next thing before the last one is over: now and then two are noted at once


def overlong(warehouse: Warehouse, roles: Sequence[Roles]) -> set[str]:
    """Properties whose spans, as they are read, often go on when the player does the next thing already.

    Args:
        warehouse: Has the temporary table `incoming`.
        roles: Of the tables; only spans that could be read shorter are looked at.
    """
    unsure = {one.name for table in roles for one in table.properties if one.column.form.otherwise}
    return {name for name in unsure if _overlapping(warehouse, name) > _TOO_OFTEN}


def _overlapping(warehouse: Warehouse, name: str) -> float:
    share = warehouse.value(
        f"""SELECT avg(CAST(coalesce(60 * took > gap, false) AS INTEGER)) FROM (
                SELECT TRY_CAST(properties ->> '/{name}' AS DOUBLE) AS took,
                       date_diff('second', occurred_at,
                                 lead(occurred_at) OVER (PARTITION BY user_id ORDER BY occurred_at)) AS gap
                FROM incoming)
            WHERE took IS NOT NULL"""
    )
    return float(share or 0)


def read_shorter(one: Roles, names: set[str]) -> Roles:
    """A table's roles with these properties in the shorter form."""

    def shorter(it: Carried) -> Carried:
        form = it.column.form.otherwise if it.name in names else None
        return replace(it, column=replace(it.column, form=form)) if form else it

    return replace(one, properties=tuple(map(shorter, one.properties)))


def shorter_told(roles: Sequence[Roles], guesses: Sequence[Guess], names: set[str]) -> list[Guess]:
    """The guesses, those of these properties with what they are read as now."""
    forms = {one.column.name: one.column.form for table in roles for one in table.properties if one.name in names}
    why = "as hours:minutes, many would go on when the player does the next thing"
    return [Guess(one.about, forms[one.about].told, why) if one.about in forms else one for one in guesses]


def of_a_moment(warehouse: Warehouse, roles: Sequence[Roles]) -> set[str]:
    """Numbers that all rows of a player's moment have alike, such as an order's total on each of its lines.

    Added up row by row they would come to a multiple. A number that is mostly the same anyway, such as a quantity of
    one, or that several tables have, is none.

    Args:
        warehouse: Has the temporary table `incoming`.
        roles: Of the tables.
    """
    numbers = Counter(one.name for table in roles for one in table.properties if one.type in _NUMBERS and not one.once)
    return {name for name, tables in numbers.items() if tables == 1 and _alike(warehouse, name)}


def _alike(warehouse: Warehouse, name: str) -> bool:
    moments, same, by_luck = warehouse.rows(
        f"""WITH told AS (
                SELECT user_id, occurred_at, TRY_CAST(properties ->> '/{name}' AS DOUBLE) AS value FROM incoming
            ), moments AS (
                SELECT count(DISTINCT value) = 1 AS same FROM told WHERE value IS NOT NULL GROUP BY user_id, occurred_at
                HAVING count(*) > 1
            ), shares AS (
                SELECT count(*) / sum(count(*)) OVER () AS share FROM told WHERE value IS NOT NULL GROUP BY value
            )
            SELECT count(*), avg(CAST(same AS INTEGER)), (SELECT sum(share * share) FROM shares) FROM moments"""
    )[0]
    return bool(moments >= _FEWEST_MOMENTS and same >= _SURELY_ALIKE and by_luck < _ALIKE_BY_LUCK)


def read_once(one: Roles, names: set[str]) -> Roles:
    """A table's roles with these properties told by the first row of a player's moment only."""
    return replace(one, properties=tuple(replace(it, once=it.once or it.name in names) for it in one.properties))


def once_told(roles: Sequence[Roles], names: set[str]) -> Guess:
    """What is said of these properties."""
    columns = [one.column.name for table in roles for one in table.properties if one.name in names]
    why = "all rows of a player's moment say the same: told of all of them together, so the first row has it"
    return Guess(", ".join(columns), "once a moment", why)


def told_by_day(warehouse: Warehouse, roles: Sequence[Roles]) -> bool:
    """Whether a mark of a wide table is told by whose and which day's it is: each player has one row.

    A sheet that is kept on holds its old days again, and a note beside them may have changed since.

    Args:
        warehouse: Has the temporary table `incoming`.
        roles: Of the tables.
    """
    if len(roles) > 1 or not roles[0].table.wide or roles[0].event_id:
        return False
    return bool(warehouse.value("SELECT count(*) = count(DISTINCT (user_id, occurred_at)) FROM incoming"))


def read_by_day(one: Roles) -> Roles:
    """A wide table's roles with an id for each mark."""
    return replace(one, event_id=f"{one.user} || ' ' || {one.moment}")


def by_day_told(guesses: Sequence[Guess]) -> list[Guess]:
    """The guesses, that of the id with what it is now."""
    day = Guess("event id", "the player and the day", "a row for each player: known again in a later sheet")
    return [day if one.about == "event id" else one for one in guesses]


def told_of(warehouse: Warehouse, roles: Sequence[Roles], metrics: Sequence[Measured]) -> list[Guess]:
    """Players who are written in two ways, units that are guesses, and numbers of which no metric was made."""
    twice = warehouse.value("SELECT count(DISTINCT user_id) - count(DISTINCT lower(user_id)) FROM incoming")
    found = []
    if twice:
        why = "they are different players; where they are not, put lower(…) around user_id in the SELECT"
        found.append(
            Guess(
                "letter case",
                f"{counted(int(twice), 'id')} {'differs' if twice == 1 else 'differ'} from another by it alone",
                why,
            )
        )
    found += [Guess(f"unit of {one.name}", one.words.unit, one.words.note) for one in metrics if one.words.note]
    used = {metric.keys.get("of") for metric in metrics}
    left = dict.fromkeys(
        one.name for table in roles for one in table.properties if one.type in _NUMBERS and one.name not in used
    )
    if left:
        why = "more of it is no clear aim, or another metric has its words; write one where you have a use for it"
        found.append(Guess("no metric", ", ".join(left), why))
    return found
