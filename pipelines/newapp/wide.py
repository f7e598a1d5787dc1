"""Wide tables: a row for each player and a column for each day. They are read as one row for each mark in them."""

import re
from collections.abc import Sequence

from pipelines.activity.normalise import quote

DAY, MARK = "day", "mark"
_DAY = re.compile(r"^\D{0,4}(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))$")
_FEWEST = 3
_NOTHING = (  # marks that say that nothing was done
    *("0", "-", "no", "n", "absent", "false", "nein", "non", "excused", "ill", "sick", "missed", "missing", "away"),
    *("abwesend", "entschuldigt", "gefehlt", "krank", "fehlt", "assente", "malade", "ausente"),
)
_TOLD = 8


def days_among(columns: Sequence[str]) -> list[str]:
    """The columns that are named by days."""
    return [name for name in columns if _DAY.match(name.strip())]


def is_wide(columns: Sequence[str]) -> bool:
    """Whether these are the columns of a wide table: a name or more, and then days."""
    days = days_among(columns)
    return _FEWEST <= len(days) < len(columns) and len({*days}) == len(days) and columns[0] not in days


def unpivoted(table: str, columns: Sequence[str]) -> str:
    """The table as rows of `day` and `mark`, as SQL: later files may have other days."""
    days = {*days_among(columns)}
    kept = ", ".join([*(quote(name) for name in columns if name not in days), "_delivery_id", "_row"])
    return f"{table} UNPIVOT ({MARK} FOR {DAY} IN (COLUMNS(* EXCLUDE ({kept}))))"


def marks_that_count(marks: Sequence[str]) -> str:
    """The marks that are taken for something done, the most frequent of them; empty where there is one."""
    counted = [mark for mark in marks if mark.lower() not in _NOTHING]
    return ", ".join(f"'{mark}'" for mark in counted[:_TOLD]) if len(counted) > 1 else ""


def something_done() -> str:
    """The condition that leaves out marks that say that nothing was done, as SQL over `r`."""
    return f"lower(trim(r.{MARK})) NOT IN ({', '.join(repr(mark) for mark in _NOTHING)})"
