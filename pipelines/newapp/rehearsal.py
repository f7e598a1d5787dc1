"""What the sample shows once its source is tried: spans read too long, ids written two ways, numbers not counted."""

from collections.abc import Sequence
from dataclasses import replace

from configs.nouns import counted
from data.warehouse import Warehouse
from pipelines.newapp.carried import Carried
from pipelines.newapp.guess import Guess
from pipelines.newapp.metrics import Measured
from pipelines.newapp.roles import Roles

_NUMBERS = {"integer", "number"}
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


def told_of(warehouse: Warehouse, roles: Sequence[Roles], metrics: Sequence[Measured]) -> list[Guess]:
    """Players who are written in two ways, and numbers of which no metric was made."""
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
    used = {metric.keys.get("of") for metric in metrics}
    left = dict.fromkeys(
        one.name for table in roles for one in table.properties if one.type in _NUMBERS and one.name not in used
    )
    if left:
        why = "more of it is no clear aim, or another metric has its words; write one where you have a use for it"
        found.append(Guess("no metric", ", ".join(left), why))
    return found
