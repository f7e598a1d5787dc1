"""SQL that reads moments as tools print them: with their offset or zone, or refused with what is wrong; no guesses.

Plain ISO 8601 takes a short way. Any other spelling is taken apart once: date (`_DATES`), clock (`_CLOCK`) and the
place whose clock it was (`_PLACE`): an offset, UTC, GMT or Z, or the name of an IANA zone. Without one it is wall time
of the app's zone, and must then have happened there exactly once.

To take all texts of a column apart costs the plain ones as much as the others, since DuckDB computes what the branches
of a CASE share before it chooses one. Of many rows the plain ones are read alone (`with_plain_moments`), and what is
left once for each text (`read_odd_moments`).
"""

from data.warehouse import Warehouse
from pipelines.activity.normalise import text

EXAMPLE = "2024-05-31T14:05:00Z"
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_OFFSET = r"(?:Z|[+-](?:(?:0\d|1[0-3])(?::?[0-5]\d)?|14(?::?00)?))"
_PLAIN = rf"{_DAY}(?:[T ]{_TIME}{_OFFSET}?)?"
_PLAIN_WITH_OFFSET = rf"{_DAY}[T ]{_TIME}{_OFFSET}"

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:((?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)\.?,? ?)?"
_HOURS = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,:]\d+)?)?(?: ?[ap]\.?m\b\.?)?"
# Each with its groups in the order written; the rest is the clock and its place.
_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        rf"(?i)^{_WEEKDAY}(\d{{4}})[-/. ](\d{{1,2}}|{_MONTH})[-/. ](\d{{1,2}})(?:(?:,? |T|:)(.+))?()()$",
        ("weekday", "year", "month", "day", "rest", "zone", "more"),
    ),
    (
        r"(?i)^()(\d{4})(\d{2})(\d{2})[T ](\d{6}(?:[.,]\d+)?.*)()()$",
        ("weekday", "year", "month", "day", "rest", "zone", "more"),
    ),
    (
        rf"(?i)^{_WEEKDAY}(\d{{1,2}})[-/. ]+({_MONTH}),?[-/. ]*(\d{{4}}),?(?: at)?(?:[ :](.+))?()()$",
        ("weekday", "day", "month", "year", "rest", "zone", "more"),
    ),
    (
        rf"(?i)^{_WEEKDAY}({_MONTH})[- ](\d{{1,2}}),?[- ](\d{{4}}),?(?: at)?(?: (.+))?()()$",
        ("weekday", "month", "day", "year", "rest", "zone", "more"),
    ),
    (
        rf"(?i)^{_WEEKDAY}({_MONTH}) (\d{{1,2}}) ({_HOURS}) ([a-z+-][^ ]* )?(\d{{4}})( .*)?$",
        ("weekday", "month", "day", "rest", "zone", "year", "more"),
    ),
    (
        rf"(?i)^{_WEEKDAY}(\d{{1,2}}) ({_MONTH}) ({_HOURS}) ([a-z+-][^ ]* )?(\d{{4}})( .*)?$",
        ("weekday", "day", "month", "rest", "zone", "year", "more"),
    ),
)
_CLOCK = (
    r"(?i)^(\d{1,2})(?:[:.](\d{2})(?:[:.](\d{2})(?:[.,:](\d+))?)?)?(?: ?([ap])\.?m\b\.?)?((?:[^\pL\d].*|[\pL].*)?)$"
)
_PACKED_CLOCK = r"(?i)^(\d{2})(\d{2})(\d{2})(?:[.,](\d+))?()(.*)$"
_CLOCK_PARTS = ("hour", "minute", "second", "fraction", "half", "place")
# An offset may be followed by what says nothing more: a name in parentheses, an abbreviation, Go's monotonic clock.
_PLACE = (
    r"^ ?(?:(?:UTC|GMT|utc|gmt)?([+\x{2212}-])(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?"
    r"(?: \([^)]*\)| [A-Z]{3,5}| [+-]\d{2,4})?(?: m=[+-][\d.]+)?|([Zz]|UTC|GMT|utc|gmt))?"
    r"(?: ?\[?([A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)\]?)?$"
)
_PLACE_PARTS = ("sign", "hours", "minutes", "seconds", "utc", "zone")
_NUMBER = r"[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?"
_NUMBERS_ONLY = rf"(?i)^{_WEEKDAY}\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}(?:[, T].*)?$"
_SHORT_YEAR = rf"(?i)^{_WEEKDAY}(?:\d{{1,2}}[-/. ]{_MONTH}[-/. ]|{_MONTH} \d{{1,2}},? )\d{{2}}(?:[, T].*)?$"
# Days of which it is looked up once how far a clock is ahead, in microseconds.
_FIRST_DAY, _LAST_DAY = "TIMESTAMP '1970-01-01'", "TIMESTAMP '2040-01-01'"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"


def with_moments(query: str, columns: tuple[str, ...], zone: str) -> str:
    """A query that adds to each column of text `<column>_wall`, `<column>_moment` and `<column>_fault`.

    Wall is the clock as written (TIMESTAMP), moment the instant (TIMESTAMPTZ), fault what is wrong in words that go on
    from the text itself, or null. Reads `known_zones` (zone).
    """
    for column in columns:
        query = _read(query, column, text(zone))
    return query


def with_plain_moments(query: str, columns: tuple[str, ...], zone: str) -> str:
    """What `with_moments` gives, but that `<column>_moment` is null where that takes a longer look."""
    plain = "".join(
        f", TRY_CAST({c} AS TIMESTAMP) AS {c}_wall, {_plain_moment(c)} AS {c}_moment, NULL::VARCHAR AS {c}_fault"
        for c in columns
    )
    return f"(SELECT * EXCLUDE (_east){plain} FROM (SELECT *, {_east_of_days(text(zone))} AS _east FROM {query}))"


def read_odd_moments(warehouse: Warehouse, table: str, columns: tuple[str, ...], zone: str) -> None:
    """Fill in what `with_plain_moments` has left open in a table, whose rows stay where they are."""
    for c in columns:
        is_open = f"{c} IS NOT NULL AND {c}_moment IS NULL"
        if not warehouse.value(f"SELECT count(*) FROM (FROM {table} WHERE {is_open} LIMIT 1)"):
            continue
        odd = with_moments(f"(SELECT DISTINCT {c} FROM {table} WHERE {is_open})", (c,), zone)
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE odd_moments AS FROM {odd}")
        read = ", ".join(f"{c}_{name} = odd.{c}_{name}" for name in ("wall", "moment", "fault"))
        warehouse.run(f"UPDATE {table} AS t SET {read} FROM odd_moments AS odd WHERE odd.{c} = t.{c}")
        warehouse.run("DROP TABLE odd_moments")


def _plain_moment(c: str) -> str:
    """The moment of plain text with an offset, or of a day on which and around which the clock is left alone."""
    wall = f"TRY_CAST({c} AS TIMESTAMP)"
    east = f"_east[greatest(0, CAST({wall} AS DATE) - CAST({_FIRST_DAY} AS DATE) + 1)]"
    return (
        f"CASE WHEN regexp_full_match({c}, '{_PLAIN_WITH_OFFSET}') THEN TRY_CAST({c} AS TIMESTAMPTZ) "
        f"WHEN regexp_full_match({c}, '{_PLAIN}') THEN make_timestamptz(epoch_us({wall}) - {east}) END"
    )


def _east_of_days(zone: str) -> str:
    """How far a zone's clock is ahead of UTC on each day: a list, null for days within two of a change of the clock."""
    return f"""(
        SELECT list(east ORDER BY day) FROM (
            SELECT day, CASE WHEN min(ahead) OVER near = max(ahead) OVER near THEN ahead END AS east
            FROM (SELECT day, epoch_us(day) - epoch_us(timezone({zone}, day)) AS ahead
                  FROM range({_FIRST_DAY}, {_LAST_DAY}, INTERVAL 1 DAY) AS days(day))
            WINDOW near AS (ORDER BY day ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING)))"""


def _read(query: str, c: str, zone: str) -> str:
    odd = rf"trim(regexp_replace(regexp_replace({c}, '\p{{Cf}}', '', 'g'), '[\s\p{{Z}}]+', ' ', 'g'))"
    steps = (
        f"*, CASE WHEN {c} IS NOT NULL AND NOT regexp_full_match({c}, '{_PLAIN}') THEN {odd} END AS {c}_odd",
        f"*, {_date(f'{c}_odd')} AS {c}_date",
        f"*, {_clock(f'{c}_date')} AS {c}_clock",
        f"*, {_parts(f'{c}_clock.place', _PLACE, _PLACE_PARTS)} AS {c}_place",
        f"*, {_offset(f'{c}_place')} AS {c}_offset, {_zone(f'{c}_place')} AS {c}_zone, {_wall(c)} AS {c}_wall",
        f"*, {_near(c, zone)} AS {c}_near",
        f"*, {_shift(c, zone, '-')} AS {c}_before, {_shift(c, zone, '+')} AS {c}_after",
        f"*, {_moment(c, zone)} AS {c}_moment",
        f"*, {_fault(c, zone)} AS {c}_fault",
    )
    for step in steps:
        query = f"(SELECT {step} FROM {query})"
    used = ("odd", "date", "clock", "place", "offset", "zone", "near", "before", "after")
    return f"(SELECT * EXCLUDE ({', '.join(f'{c}_{name}' for name in used)}) FROM {query})"


def _parts(value: str, pattern: str, names: tuple[str, ...]) -> str:
    listed = ", ".join(text(name) for name in names)
    found = f"regexp_extract({value}, {text(pattern)}, [{listed}])"
    return f"CASE WHEN regexp_matches({value}, {text(pattern)}) THEN {found} END"


def _date(odd: str) -> str:
    """Weekday, year, month, day, rest, zone and more, all as text."""
    cases = "".join(
        f" WHEN regexp_matches({odd}, {text(pattern)}) THEN CAST(regexp_extract({odd}, {text(pattern)}, "
        f"[{', '.join(text(name) for name in names)}]) AS STRUCT({', '.join(f'{n} VARCHAR' for n in _DATES[0][1])}))"
        for pattern, names in _DATES
    )
    return f"CASE{cases} END"


def _clock(date: str) -> str:
    rest = f"trim({date}.rest || ' ' || {date}.zone || trim({date}.more))"
    return (
        f"CASE WHEN {date} IS NULL OR {date}.rest = '' THEN NULL WHEN regexp_matches({date}.rest, '^\\d{{6}}') "
        f"THEN {_parts(rest, _PACKED_CLOCK, _CLOCK_PARTS)} ELSE {_parts(rest, _CLOCK, _CLOCK_PARTS)} END"
    )


def _offset(place: str) -> str:
    """Seconds east of UTC, or null where the text names none."""
    seconds = " + ".join(
        f"coalesce(TRY_CAST({place}.{unit} AS INTEGER), 0) * {n}"
        for unit, n in (("hours", 3600), ("minutes", 60), ("seconds", 1))
    )
    return (
        f"CASE WHEN {place}.utc <> '' THEN 0 WHEN {place}.sign = '+' THEN {seconds} "
        f"WHEN {place}.sign <> '' THEN -({seconds}) END"
    )


def _zone(place: str) -> str:
    """The IANA zone named; names of capitals only, such as EST, mean several zones."""
    named = f"{place}.zone"
    return f"CASE WHEN regexp_matches({named}, '[a-z]') AND {named} IN (SELECT zone FROM known_zones) THEN {named} END"


def _wall(c: str) -> str:
    date, clock = f"{c}_date", f"{c}_clock"
    month = (
        f"coalesce(TRY_CAST({date}.month AS INTEGER), "
        f"list_position(string_split('{_MONTHS}', ' '), lower({date}.month[:3])))"
    )
    hour = f"TRY_CAST({clock}.hour AS INTEGER)"
    hour = (
        f"CASE WHEN {clock}.half = '' THEN {hour} WHEN {hour} NOT BETWEEN 1 AND 12 THEN 99 "
        f"ELSE {hour} % 12 + CASE WHEN lower({clock}.half) = 'p' THEN 12 ELSE 0 END END"
    )
    said = (
        f"{date}.year || '-' || lpad({month}::VARCHAR, 2, '0') || '-' || lpad({date}.day, 2, '0') || ' ' || "
        f"CASE WHEN {date}.rest = '' THEN '00:00:00' ELSE lpad(({hour})::VARCHAR, 2, '0') || ':' || "
        f"coalesce(nullif({clock}.minute, ''), '00') || ':' || coalesce(nullif({clock}.second, ''), '00') || '.' || "
        f"coalesce(nullif({clock}.fraction[:6], ''), '0') END"
    )
    bare = f"({clock}.minute = '' AND {clock}.half = '')"  # an hour alone, behind which anything may be meant
    return (
        f"CASE WHEN {c}_odd IS NULL THEN TRY_CAST({c} AS TIMESTAMP) "
        f"WHEN coalesce({bare}, false) THEN NULL ELSE TRY_CAST({said} AS TIMESTAMP) END"
    )


def _is_local(c: str) -> str:
    plain = f"NOT regexp_full_match({c}, '{_PLAIN_WITH_OFFSET}')"
    return f"(CASE WHEN {c}_odd IS NULL THEN {plain} ELSE {c}_offset IS NULL END)"


def _in_zone(c: str, zone: str, value: str) -> str:
    """Wall time to moment or back in the zone named, else the app's."""
    return f"CASE WHEN {c}_zone IS NULL THEN timezone({zone}, {value}) ELSE timezone({c}_zone, {value}) END"


def _near(c: str, zone: str) -> str:
    return f"CASE WHEN {c}_wall IS NOT NULL AND {_is_local(c)} THEN {_in_zone(c, zone, f'{c}_wall')} END"


def _shift(c: str, zone: str, sign: str) -> str:
    """The zone's offset a day before or after, as an interval: they differ where the clock is changed between."""
    day = f"{c}_near {sign} INTERVAL 24 HOUR"
    return f"CASE WHEN {c}_near IS NOT NULL THEN {_in_zone(c, zone, day)} - timezone('UTC', {day}) END"


def _is_date_alone(c: str) -> str:
    return f"(CASE WHEN {c}_odd IS NULL THEN length({c}) = 10 ELSE {c}_date.rest = '' END)"


def _moment(c: str, zone: str) -> str:
    """A date alone is when that day begins: the first of two midnights, and the change of the clock that skips one."""
    early = f"timezone('UTC', {c}_wall - {c}_before)"
    twice = f"{c}_before <> {c}_after AND {_is_date_alone(c)} AND {_in_zone(c, zone, early)} = {c}_wall"
    return (
        f"CASE WHEN {c}_near IS NOT NULL THEN CASE WHEN {twice} THEN {early} ELSE {c}_near END "
        f"WHEN {c}_odd IS NULL THEN TRY_CAST({c} AS TIMESTAMPTZ) "
        f"ELSE timezone('UTC', {c}_wall - to_seconds({c}_offset)) END"
    )


def _fault(c: str, zone: str) -> str:
    cases = "".join(f" WHEN {condition} THEN {reason}" for condition, reason in _faults(c, zone))
    return f"CASE{cases} END"


def _faults(c: str, zone: str) -> tuple[tuple[str, str], ...]:
    odd, date, clock, place = f"{c}_odd", f"{c}_date", f"{c}_clock", f"{c}_place"
    alike = f"'is not a date and time such as {EXAMPLE}'"
    named = f"coalesce({c}_zone, {zone})"
    early, late = (f"timezone('UTC', {c}_wall - {c}_{side})" for side in ("before", "after"))
    happened = f"{_in_zone(c, zone, early)} = {c}_wall", f"{_in_zone(c, zone, late)} = {c}_wall"
    changed = f"{c}_before <> {c}_after AND NOT {_is_date_alone(c)}"
    return (
        (f"{c} IS NULL", "NULL"),
        (f"{odd} IS NULL AND {c}_moment IS NULL", "'is not a date and time of the calendar'"),
        (
            f"regexp_full_match({odd}, '{_NUMBER}')",
            f"'is a count of seconds or days that does not say from when; write {EXAMPLE}, or convert it in a source'",
        ),
        (
            f"regexp_matches({odd}, {text(_NUMBERS_ONLY)})",
            f"'does not say which number is the day and which the month; write it as {EXAMPLE}'",
        ),
        (f"regexp_matches({odd}, {text(_SHORT_YEAR)})", f"'has a year of two digits; write it as {EXAMPLE}'"),
        (f"{odd} IS NOT NULL AND ({date} IS NULL OR ({clock} IS NULL AND {date}.rest <> ''))", alike),
        (
            f"{odd} IS NOT NULL AND {place} IS NULL AND {date}.rest <> ''",
            f"'ends in ''' || trim({clock}.place)[:30] || ''', which is neither an offset nor a time zone'",
        ),
        (
            f"{place}.zone <> '' AND {c}_zone IS NULL AND NOT ({place}.utc <> '' AND {place}.zone IN ('UTC', 'GMT'))",
            f"'names the zone ''' || {place}.zone[:40] || ''', which is not one IANA time zone; write its offset'",
        ),
        (
            f"abs({c}_offset) > 50400 OR greatest({place}.minutes, {place}.seconds) > '59'",
            "'has an offset that no clock has; they go from -14:00 to +14:00'",
        ),
        (f"{c}_wall IS NULL", "'is not a date and time of the calendar'"),
        (
            f"{date}.weekday <> '' AND lower({date}.weekday[:3]) <> lower(strftime({c}_wall, '%a'))",
            f"'was a ' || strftime({c}_wall, '%A') || ', not what it says'",
        ),
        (
            f"{c}_offset IS NOT NULL AND {c}_zone IS NOT NULL AND timezone({c}_zone, {c}_moment) <> {c}_wall",
            f"'has an offset that ' || {c}_zone || ' did not have then'",
        ),
        (
            f"{changed} AND {happened[0]} AND {happened[1]}",
            f"'came twice in ' || {named} || ', where the clock was set back; write the offset'",
        ),
        (
            f"{changed} AND NOT {happened[0]} AND NOT {happened[1]}",
            f"'never was in ' || {named} || ', where the clock was set forward; write the offset'",
        ),
    )
