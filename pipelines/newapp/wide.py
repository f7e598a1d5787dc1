"""Wide tables: a row for each player and a column for each day. They are read as one row for each mark in them."""

import re
from collections.abc import Sequence

from pipelines.activity.normalise import quote

DAY, MARK = "day", "mark"
_DAY = re.compile(r"^\D{0,4}(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))$")
_FEWEST = 3
_NOTHING = (  # marks that say that nothing was done
    *("", "0", "-", "no", "n", "absent", "false", "nein", "non", "excused", "ill", "sick", "missed", "missing", "away"),
    *("abwesend", "entschuldigt", "gefehlt", "krank", "fehlt", "assente", "malade", "ausente"),
)
# Marks that say by themselves that somebody was there: short ones beside them are reasons why others were not.
_TICKS = ("x", "1", "+", "\u2713", "\u2714", "j", "ja", "y", "yes", "p", "ok", "da", "si", "oui", "anwesend", "present")
_SUMS = ("sum", "total", "totals", "summe", "gesamt", "somme", "totale", "anwesend", "present")
_REASON = re.compile(r"^[a-z]{1,2}$")
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


def told_of_marks(marks: Sequence[str]) -> tuple[str, str]:
    """Which marks are taken for something done, and what of the others; empty where nothing is to be told.

    Args:
        marks: The most frequent first.
    """
    reasons = _reasons(marks)
    counted = [mark for mark in marks if mark.strip().lower() not in {*_NOTHING, *reasons}]
    if not reasons and len(counted) < 2:
        return "", ""
    others = f"; {_listed(reasons)} beside a tick tell why somebody was not there" if reasons else ""
    more = f"{'each counts' if len(counted) > 1 else 'counts'}{others or '; add those of who was not there'}"
    return _listed(counted), f"{more}{'; mend that in' if reasons else ' to'} the SELECT's last lines"


def something_done(marks: Sequence[str], who: str) -> str:
    """The condition that leaves out marks that say that nothing was done, and rows of sums, as SQL over `r`.

    Args:
        marks: The most frequent first.
        who: The player, as SQL.
    """
    nothing = (*_NOTHING, *_reasons(marks))
    return f"lower(trim(r.{MARK})) NOT IN {_set_of(nothing)}\n  AND lower(trim({who})) NOT IN {_set_of(_SUMS)}"


def _reasons(marks: Sequence[str]) -> list[str]:
    """Marks of one or two letters, where a tick is among the most frequent marks."""
    small = [mark.strip().lower() for mark in marks]
    if not {*small[:4]} & {*_TICKS}:
        return []
    return [mark for mark in small if _REASON.match(mark) and mark not in {*_TICKS, *_NOTHING}]


def _set_of(values: Sequence[str]) -> str:
    return f"({', '.join(repr(value) for value in values)})"


def _listed(marks: Sequence[str]) -> str:
    return ", ".join(f"'{mark}'" for mark in marks[:_TOLD])
