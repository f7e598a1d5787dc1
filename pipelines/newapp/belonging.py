"""Which columns belong to which values of another one: rehearsals have minutes, concerts an audience."""

from collections.abc import Mapping, Sequence

from data.warehouse import Warehouse

ROWS = ""  # the key of how many rows there are
_FEWEST = 20  # rows that have nothing in a column before it is taken not to belong to them

Filled = Mapping[str, Mapping[str, int]]


def filled_by(warehouse: Warehouse, relation: str, value: str, columns: Mapping[str, str]) -> Filled:
    """By value of a column, how many rows there are (`ROWS`) and how many of them have each of some other columns.

    Args:
        warehouse: Has the table.
        relation: What to read, as `r`.
        value: The SQL of the one column.
        columns: The SQL of the others, by name.
    """
    counts = ", ".join(["count(*)", *(f"count({_text(sql)})" for sql in columns.values())])
    found = warehouse.rows(f"SELECT {_text(value)} AS v, {counts} FROM {relation} AS r GROUP BY v")
    return {str(value): dict(zip((ROWS, *columns), counted, strict=True)) for value, *counted in found}


def foreign_to(filled: Filled, values: Sequence[str]) -> set[str]:
    """The columns in which none of the rows of these values has anything, though they are many."""
    parts = [filled[value] for value in values if value in filled]
    if sum(part[ROWS] for part in parts) < _FEWEST:
        return set()
    return {name for name in parts[0] if name != ROWS and not any(part[name] for part in parts)}


def tells_kinds(filled: Filled) -> bool:
    """Whether the values are kinds of things done: some have columns of their own, and not all the same."""
    lacking = {value: foreign_to(filled, [value]) for value in filled}
    owners = {
        frozenset(value for value, part in filled.items() if part[name]) for name in set().union(*lacking.values())
    }
    return len(owners) > 1


def _text(sql: str) -> str:
    return f"nullif(trim(CAST({sql} AS VARCHAR)), '')"
