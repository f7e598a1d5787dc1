"""Which columns a file lacks, in words: what is there instead, and which of those may be the same under a new name."""

import difflib
import re
from collections.abc import Collection, Sequence

from data.contracts_in import EVENT_COLUMNS, PLAYER_COLUMNS

OWN_COLUMNS = frozenset({"_line", "_raw", "_delivery_id", "_row"})  # what a delivered row carries beside its own
_VALUE = re.compile(r"^[\s€$£]*[+-]?\d[\d.,:/\- TZ]*$")  # a number, a date or a time of day, which no header is


def say_lacking(missing: Sequence[str], columns: Sequence[str], *, known: Collection[str] = ()) -> str:
    """Which columns are missing, which are there, and which of these may be the missing ones; no full stop.

    Args:
        missing: The columns that are wanted and not there.
        columns: Those that are there.
        known: Those of them that have a use already, and so are no new name of a missing one.
    """
    shown = ", ".join(name[:40] for name in columns[:12]) + (f" and {len(columns) - 12} more" if columns[12:] else "")
    names = [f"'{name}'" for name in missing]
    told = f"lacks {' and '.join([', '.join(names[:-1]), names[-1]] if names[1:] else names)}; it has {shown or 'none'}"
    if len(columns) == 1 and len(missing) + len(known) > 1:
        return f"{told}: a single column, so perhaps something else stands between its fields"
    if any(map(_VALUE.match, columns)):
        return f"{told}: values, so perhaps the line with the names of the columns is missing"
    if other := _of_another_kind(missing, columns):
        return f"{told}: {other}"
    near = [(name, found) for name in missing if (found := _nearest(name, columns, missing, known))]
    return told + "".join(f"; '{found}' is perhaps its '{name}'" for name, found in near)


def _of_another_kind(missing: Sequence[str], columns: Collection[str]) -> str:
    """What the file is instead: events where players are wanted, or players where events are; "" if neither."""
    events, players = ([name for name, must in each.items() if must] for each in (EVENT_COLUMNS, PLAYER_COLUMNS))
    if {*missing} <= {*events} and {*players} <= {*columns}:
        return "players rather than events, so take it with --players"
    if {*missing} <= {*players} and {*events} <= {*columns}:
        return "events rather than players, so take it without --players"
    return ""


def _nearest(name: str, columns: Sequence[str], missing: Sequence[str], known: Collection[str]) -> str:
    """What a missing column may be called now: a column spelled alike, or else the only one that has no use."""
    free = {one.lower(): one for one in columns if one.lower() not in {name.lower() for name in known}}
    near = difflib.get_close_matches(name.lower(), [*free], n=1)
    alone = [*free.values()] if len(free) == len(missing) == 1 else []
    return free[near[0]] if near else alone[0] if alone else ""
