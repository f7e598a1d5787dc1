"""How long what a row tells of took: from the column of its beginning to that of its end, moments or times of day."""

import re

from pipelines.newapp import vocabulary as words
from pipelines.newapp.forms import Form
from pipelines.newapp.guess import Guess
from pipelines.newapp.properties import Carried
from pipelines.newapp.sample import Column, Table
from pipelines.newapp.who_when import as_moment

_ISO = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_LONGEST_MIN = 1440  # what is said to take longer was forgotten


def how_long(table: Table, when: Column, clock: str, told: list[Guess]) -> tuple[Carried, ...]:
    """The minutes from the moment of an event, or its time of day, to a column named as an end; nothing without one.

    A table that tells how long by itself is left alone.
    """
    if any(set(one.words) & words.DURATION.keys() and one.form.kind in {"integer", "number"} for one in table.columns):
        return ()
    if clock:
        start = next(one for one in table.columns if one.name == clock)
        ends = [one for one in table.columns if one.form.kind == "clock" and one.name != clock and _is_end(one)]
        sql = f"({_of_day(ends[0])} - {_of_day(start)} + {_LONGEST_MIN}) % {_LONGEST_MIN}" if ends else ""
    else:
        moments = [one for one in map(as_moment, table.columns) if one.name != when.name and _is_end(one)]
        ends = [one for one in moments if _is_timed(one) and _is_timed(when) and one.form.zoned == when.form.zoned]
        took = f"date_diff('second', {_moment(when)}, {_moment(ends[0])})" if ends else ""
        sql = f"CASE WHEN {took} BETWEEN 0 AND {60 * _LONGEST_MIN} THEN round({took} / 60.0, 3) END"
    if not ends:
        return ()
    form = Form("number", sql, "minutes between two columns", "minute")
    told.append(Guess("minutes", f"{clock or when.name} to {ends[0].name}", "from beginning to end"))
    return (Carried("minutes", Column("minutes", sql, ends[0].filled, ends[0].distinct, form, ()), "number"),)


def _is_end(column: Column) -> bool:
    return bool(set(column.words) & words.ENDS)


def _is_timed(column: Column) -> bool:
    """Whether it holds moments with a time of day that DuckDB reads by itself."""
    form = column.form
    own = form.sql != column.sql or all(map(_ISO.match, column.values))
    return form.kind == "moment" and not form.whole_days and own


def _moment(column: Column) -> str:
    return f"TRY_CAST({column.form.sql} AS TIMESTAMPTZ)"


def _of_day(clock: Column) -> str:
    parts = f"string_split(trim({clock.sql}), ':')"
    return f"(TRY_CAST({parts}[1] AS DOUBLE) * 60 + TRY_CAST({parts}[2] AS DOUBLE))"
