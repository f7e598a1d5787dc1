"""What the values of a column are: moments, numbers, truths or text, and the SQL that reads them so."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from data.warehouse import Warehouse
from pipelines.activity.moments import with_moments
from pipelines.newapp.vocabulary import MEASURES

Kind = Literal["moment", "clock", "integer", "number", "boolean", "text", "nothing"]
_TESTED = 5000  # different values
_NEARLY = 0.99
_YEARS = "BETWEEN 1950 AND 2100"
_TRUE, _FALSE = ("true", "yes", "y", "t", "ja", "oui", "si", "sí"), ("false", "no", "n", "f", "nein", "non")
_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y%m%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f", ", %H:%M", ", %H:%M:%S", "%H%M%S")
_TWINS = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m"}
_SIGN = r"(?:[€$£¥%]|EUR|USD|GBP|CHF|kr\.?)"
_POINT = re.compile(rf"^{_SIGN}?\s*[+-]?\s*(?:\d+|\d{{1,3}}(?:[,' ]\d{{3}})+)(?:\.\d+)?(?:[eE][+-]?\d+)?\s*{_SIGN}?$")
_COMMA = re.compile(rf"^{_SIGN}?\s*[+-]?\s*(?:\d+|\d{{1,3}}(?:[.' ]\d{{3}})+)(?:,\d+)?\s*{_SIGN}?$")
NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$")
_WHOLE = re.compile(r"^[+-]?\d{1,18}$")
_DATED = re.compile(r"^(?=(?:\D*\d){3}).{6,}", re.DOTALL)  # what is shorter or has fewer figures is no date
_CLOCK = re.compile(r"^(?:[01]?\d|2[0-4]):\d{2}(?::\d{2}(?:\.\d+)?)?$")
_LASTING = re.compile(r"^\d{1,4}:\d{2}(?::\d{2}(?:\.\d+)?)?$")
_MEASURED = re.compile(r"^[+-]?(?:\d+|\d{1,3}(?:[.,' ]\d{3})+)(?:[.,]\d+)?\s*([A-Za-z]{1,10})\.?$")
_SPAN = re.compile(r"^P(?=\d|T\d)(?:\d+D)?(?:T(?:\d+(?:\.\d+)?H)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?S)?)?$")


@dataclass(frozen=True)
class Form:
    """What a column's values are.

    Attributes:
        kind: In a word.
        sql: Reads them: a moment or text that ingest reads, a DOUBLE, BIGINT or BOOLEAN; text as it is.
        told: The form in words: 'day.month.year', 'numbers with a decimal comma'.
        unit: What the values name themselves: a currency or %, or 'minute' of an ISO 8601 duration.
        lowest, highest: Of numbers.
        whole_days: Moments without a time of day.
        zoned: Moments with an offset or zone.
        doubt: What else they could be, in words.
        otherwise: What they are then, where what players did tells it.
    """

    kind: Kind
    sql: str
    told: str = ""
    unit: str = ""
    lowest: float = 0.0
    highest: float = 0.0
    whole_days: bool = False
    zoned: bool = False
    doubt: str = ""
    otherwise: "Form | None" = None


def forms_of(warehouse: Warehouse, values: Sequence[str], kind: str, sql: str, *, lasts: bool = False) -> Form:
    """What the different values of a column are.

    Args:
        warehouse: In memory, with `known_zones`.
        values: As text, trimmed, the most frequent first.
        kind: The column's DuckDB type.
        sql: How the column is read.
        lasts: Whether its name speaks of how long something took: '1:30' is a span then and no time of day.
    """
    if not values:
        return Form("nothing", sql)
    if kind.startswith(("TIMESTAMP", "DATE")):
        return Form("moment", sql, "dates of the file's own type", whole_days=kind == "DATE", zoned="ZONE" in kind)
    tested = list(values[: _TESTED // 2]) + list(values[-_TESTED // 2 :]) if len(values) > _TESTED else list(values)
    tries: tuple[Callable[[], Form | None], ...] = (
        lambda: _boolean(tested, sql),
        lambda: _lasting(tested, sql) if lasts else _clock(tested, sql),
        lambda: _span(tested, sql),
        lambda: _moment(warehouse, tested, sql),
        lambda: _number(tested, sql) or _measured(tested, sql),
    )
    return next((form for attempt in tries if (form := attempt()) is not None), Form("text", sql, "text"))


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.match(value)) for value in values) / len(values)


def _boolean(values: Sequence[str], sql: str) -> Form | None:
    low = {value.lower() for value in values}
    if not low <= {*_TRUE, *_FALSE} or len(low) > 2 or not (low & set(_TRUE) and (low & set(_FALSE) or len(low) == 1)):
        return None
    if low <= {"true", "false"}:
        return Form("boolean", f"TRY_CAST({sql} AS BOOLEAN)", "true or false")
    yes = next(iter(low & set(_TRUE)))
    return Form("boolean", f"(lower(trim({sql})) = '{yes}')", f"'{yes}' is true")


def _clock(values: Sequence[str], sql: str) -> Form | None:
    return Form("clock", sql, "times of day") if _share(values, _CLOCK) >= _NEARLY else None


def _lasting(values: Sequence[str], sql: str) -> Form | None:
    """Spans such as '1:02:30', as minutes; of two parts hours and minutes where the first stays below a day's hours."""
    if _share(values, _LASTING) < _NEARLY:
        return None
    spans = [[float(part) for part in value.split(":")] for value in values if _LASTING.match(value)]
    hours = max(span[0] for span in spans if len(span) == 2) < 24 if any(len(span) == 2 for span in spans) else True
    parts = f"string_split(trim({sql}), ':')"
    first, second, third = (f"coalesce(TRY_CAST({parts}[{n}] AS DOUBLE), 0)" for n in (1, 2, 3))

    def read(two: str, told: str) -> Form:
        minutes = f"CASE len({parts}) WHEN 3 THEN {first} * 60 + {second} + {third} / 60 ELSE {two} END"
        return Form("number", f"CASE WHEN {sql} IS NOT NULL THEN round({minutes}, 3) END", told, "minute")

    short = read(f"{first} + {second} / 60", "durations as minutes:seconds")
    if not hours:
        return short
    long = read(f"{first} * 60 + {second}", "durations as hours:minutes")
    unsaid = any(len(span) == 2 for span in spans)
    return replace(long, doubt="minutes:seconds would fit as well", otherwise=short) if unsaid else long


def _span(values: Sequence[str], sql: str) -> Form | None:
    if _share(values, _SPAN) < _NEARLY:
        return None
    parts = (("(\\d+)D", 1440), ("([\\d.]+)H", 60), ("T(?:[\\d.]+H)?([\\d.]+)M", 1), ("([\\d.]+)S", 1 / 60))
    minutes = " + ".join(
        f"coalesce(TRY_CAST(regexp_extract({sql}, '{p}', 1) AS DOUBLE), 0) * {n:.10g}" for p, n in parts
    )
    read = f"CASE WHEN {sql} IS NOT NULL THEN round({minutes}, 3) END"
    return Form("number", read.replace("\\\\", "\\"), "durations in ISO 8601, as minutes", unit="minute")


def _moment(warehouse: Warehouse, values: Sequence[str], sql: str) -> Form | None:
    if _share(values, _DATED) < _NEARLY:
        return None
    frame = pl.DataFrame({"v": values})
    with warehouse.lend(_values=frame):
        good, days, zoned, n = warehouse.rows(
            f"""WITH read AS MATERIALIZED (FROM {with_moments("(SELECT v FROM _values)", ("v",), "UTC")})
                SELECT count(*) FILTER (v_fault IS NULL AND year(v_wall) {_YEARS}),
                       bool_and(regexp_full_match(v, '\\d{{4}}[-/.]\\d\\d?[-/.]\\d\\d?')),
                       count(*) FILTER (regexp_matches(v, '(Z|[+-]\\d\\d:?\\d\\d|UTC|GMT)$') AND length(v) > 10),
                       count(*)
                FROM read"""  # counted straight from there, DuckDB would plan for half a second
        )[0]
        if good >= _NEARLY * n:
            told = "dates" if days else "dates with a time"
            return Form(
                "moment", sql, f"{told} as ingest reads them", whole_days=bool(days), zoned=zoned >= _NEARLY * n
            )
        return _spelled(warehouse, sql, n)


def _spelled(warehouse: Warehouse, sql: str, n: int) -> Form | None:
    """Dates in figures, by the one order of day, month and year that fits them all."""
    patterns = [f"{day}{clock}" for day in _DAYS for clock in _CLOCKS]
    tests = ", ".join(
        f"count(*) FILTER (year(try_strptime(v, '{p}')) {_YEARS}) AS \"{i}\"" for i, p in enumerate(patterns)
    )
    counts = warehouse.rows(f"SELECT {tests} FROM _values")[0]
    fits = [p for p, count in zip(patterns, counts, strict=True) if count >= _NEARLY * n]
    if not fits:
        return None
    chosen, doubt = fits[0], ""
    twin = next((p for p in fits[1:] if _TWINS.get(chosen[:5]) == p[:5]), None)
    if twin and not _steadier(warehouse, chosen, twin):
        chosen, twin = twin, chosen
    if twin:
        doubt = f"{_said(chosen)} or {_said(twin)}: every value could be either"
    whole = not re.search("%[HI]", chosen)
    written = "%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%S"
    read = f"strftime(try_strptime(trim({sql}), '{chosen}'), '{written}')"
    return Form("moment", read, f"dates as {_said(chosen)}", whole_days=whole, doubt=doubt)


def _steadier(warehouse: Warehouse, first: str, second: str) -> bool:
    """Whether the first order spreads the dates less; read the wrong way round, those of a month lie over a year."""
    spread = ", ".join(
        f"date_diff('day', min(try_strptime(v, '{p}')), max(try_strptime(v, '{p}')))" for p in (first, second)
    )
    one, other = warehouse.rows(f"SELECT {spread} FROM _values")[0]
    return bool(one <= other)


def _said(pattern: str) -> str:
    words = {"%d": "day", "%m": "month", "%Y": "year", "%y": "year", "%H": "hour", "%I": "hour"}
    words |= {"%M": "minute", "%S": "second", "%p": "AM/PM", "%f": "fraction"}
    return re.sub("%[a-zA-Z]", lambda found: words[found[0]], pattern)


def _number(values: Sequence[str], sql: str) -> Form | None:
    for pattern, comma in ((NUMBER, False), (_POINT, False), (_COMMA, True)):
        if _share(values, pattern) < _NEARLY or (comma and not any("," in value for value in values)):
            continue
        return _numbers(values, sql, pattern, comma=comma)
    return None


def _measured(values: Sequence[str], sql: str) -> Form | None:
    """Numbers that all have the same known unit behind them: '90 min', '5,2 km'."""
    units = {MEASURES.get(found[1].lower(), "") for value in values if (found := _MEASURED.match(value))}
    if len(units) != 1 or "" in units or _share(values, _MEASURED) < _NEARLY:
        return None
    bare = [re.sub(r"\s*[A-Za-z]+\.?$", "", value) for value in values]
    number = _number(bare, f"regexp_replace(trim({sql}), '\\s*[A-Za-z]+\\.?$', '')")
    return replace(number, unit=units.pop(), told=f"{number.told} with their unit") if number else None


def _numbers(values: Sequence[str], sql: str, pattern: re.Pattern[str], *, comma: bool) -> Form:
    drop = r"[^0-9eE,+-]" if comma else r"[^0-9eE.+-]"
    bare = [re.sub(drop, "", value).replace(",", ".") for value in values if pattern.match(value)]
    numbers = [float(value) for value in bare if NUMBER.match(value)]
    whole = all(_WHOLE.match(value) for value in bare)
    if pattern is NUMBER:
        read, told = f"TRY_CAST({sql} AS {'BIGINT' if whole else 'DOUBLE'})", "numbers"
    else:
        stripped = f"regexp_replace({sql}, '{drop}', '', 'g')"
        stripped = f"replace({stripped}, ',', '.')" if comma else stripped
        read = f"TRY_CAST({stripped} AS {'BIGINT' if whole else 'DOUBLE'})"
        told = "numbers with a decimal comma" if comma else "numbers with marks of thousands or a sign"
    sign = next((s for s in re.findall(_SIGN, " ".join(values[:50]))), "")
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
    return Form("integer" if whole else "number", read, told, sign, low, high)
