"""Spans of days that numbers count from: a day, week, month or year, or a badge's season.

A span is known by its name: `week`, or of a season `2024-12-01..2025-02-28`, with ` yearly` when it comes again. What
of a week lies within a season is `week of 2024-12-01..2025-02-28`.
"""

import datetime as dt
from typing import Literal

Period = Literal["day", "week", "month", "year", "season"]
_EPOCH = "DATE '1970-01-01'"
_LENGTHS = {"day": 1, "week": 7, "month": 31, "year": 366}
_YEARLY, _OF = " yearly", " of "


def season_span(on: dt.date, until: dt.date, *, yearly: bool) -> str:
    """The name of a season's span."""
    return f"{on}..{until}{_YEARLY if yearly else ''}"


def span_within(period: str, season: str) -> str:
    """The name of the span of the days of a period that lie in a season; both by their names."""
    return f"{period}{_OF}{season}"


def period_of(span: str) -> str:
    """The period of a span such as 'week of <season>'; any other span is returned as it is."""
    return span.partition(_OF)[0]


def span_days(span: str) -> int:
    """How many days a span has at most."""
    if _OF in span:
        return min(map(span_days, span.split(_OF)))
    if span in _LENGTHS:
        return _LENGTHS[span]
    on, until, _ = _season(span)
    return (until - on).days + 2  # a yearly one may hold a 29 February that its first does not


def span_start_sql(span: str, day_no: str) -> str:
    """SQL of the first day of the span that a day lies in; both as days since 1970. Null outside of a season.

    Args:
        span: Its name.
        day_no: SQL of the day.
    """
    if _OF in span:
        period, season = (span_start_sql(part, day_no) for part in span.split(_OF))
        return f"CASE WHEN {season} IS NOT NULL THEN greatest({period}, {season}) END"
    day = f"({_EPOCH} + ({day_no})::INTEGER)"
    if span == "day":
        return f"({day_no})::BIGINT"
    if span == "week":  # ISO weeks begin on Monday
        return f"(date_trunc('week', {day})::DATE - {_EPOCH})"
    if span in _LENGTHS:
        return f"(date_trunc('{span}', {day})::DATE - {_EPOCH})"
    on, until, yearly = _season(span)
    if not yearly:
        return f"CASE WHEN {day} BETWEEN DATE '{on}' AND DATE '{until}' THEN DATE '{on}' - {_EPOCH} END"
    first = f"make_date(year({day}) - ({_before(day, on)})::INTEGER, {on.month}, {on.day})"
    last = f"make_date(year({first}) + {until.year - on.year}, {until.month}, {until.day})"
    return f"CASE WHEN {day} >= DATE '{on}' AND {day} <= {last} THEN {first} - {_EPOCH} END"


def span_start(span: str, day: dt.date) -> dt.date | None:
    """The first day of the span that a day lies in; None outside of a season."""
    if _OF in span:
        starts = [start for part in span.split(_OF) if (start := span_start(part, day))]
        return max(starts) if len(starts) > 1 else None
    if span == "day":
        return day
    if span == "week":
        return day - dt.timedelta(days=day.weekday())
    if span in _LENGTHS:
        return day.replace(day=1) if span == "month" else day.replace(month=1, day=1)
    on, until, yearly = _season(span)
    if not yearly:
        return on if on <= day <= until else None
    first = on.replace(year=day.year - ((day.month, day.day) < (on.month, on.day)))
    last = until.replace(year=first.year + until.year - on.year)
    return first if on <= day <= last else None


def span_end(span: str, day: dt.date) -> dt.date | None:
    """The last day of the span that a day lies in; None outside of a season."""
    if _OF in span:
        ends = [end for part in span.split(_OF) if (end := span_end(part, day))]
        return min(ends) if len(ends) > 1 else None
    first = span_start(span, day)
    if first is None or span == "day":
        return first
    if span == "week":
        return first + dt.timedelta(days=6)
    if span in _LENGTHS:
        after = first.replace(day=28) + dt.timedelta(days=4) if span == "month" else first.replace(year=first.year + 1)
        return after.replace(day=1) - dt.timedelta(days=1)
    on, until, _ = _season(span)
    return until.replace(year=first.year + until.year - on.year)


def _before(day: str, on: dt.date) -> str:
    return f"(month({day}), day({day})) < ({on.month}, {on.day})"


def _season(span: str) -> tuple[dt.date, dt.date, bool]:
    on, _, until = span.removesuffix(_YEARLY).partition("..")
    return dt.date.fromisoformat(on), dt.date.fromisoformat(until), span.endswith(_YEARLY)
