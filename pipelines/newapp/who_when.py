"""Which column says who acts, and which one says when."""

import re
import unicodedata
from dataclasses import replace

from configs.errors import NightquestError
from pipelines.newapp import vocabulary as words
from pipelines.newapp.forms import Form
from pipelines.newapp.guess import Guess
from pipelines.newapp.sample import Column, Table
from pipelines.newapp.wide import DAY, MARK

_COUNTED = {"seconds": 1, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}  # of a second, since 1970
_EPOCH, _SERIAL = (6e8, 2.5e9), (20_000, 60_000)
_CODE = re.compile(r"^(?=.*\d)[A-Za-z]{0,8}[-_#.]?[0-9A-Fa-f-]{3,}$|^[^@\s]+@[^@\s]+\.\w+$")
_FEW = 1000  # figures below this, from 0 or 1 on, count something


def find_user(table: Table, given: str | None, told: list[Guess]) -> Column:
    """The column of who acts: `given`, or the best by name and by how often its values come again.

    Raises:
        NightquestError: None looks like it; it names the columns.
    """
    if given:
        told.append(Guess("player", given, "you said so"))
        return said_column(table, given, "--user")
    scored = sorted(table.columns, key=lambda column: -user_score(column, table.rows))
    best = scored[0] if scored else None
    if table.wide and (best is None or user_score(best, table.rows) <= 0):
        best = max((one for one in table.columns if one.name not in {DAY, MARK}), key=lambda column: column.distinct)
        told.append(Guess("player", best.name, f"{best.distinct:,} different, a row for each of them"))
        return best
    if best is None or user_score(best, table.rows) <= 0:
        raise NightquestError(
            f"No column of {table.files[0]} looks like the id of a player; it has {_columns(table)}.",
            "Say which one it is: --user COLUMN.",
        )
    by_name = bool(named(best, words.PLAYER))
    why = f"{best.distinct:,} different in {best.filled:,} rows"
    doubt = "not named like a person's id, so look whether it is one (--user)"
    told.append(Guess("player", best.name, f"named like a person's id, {why}" if by_name else f"{why}; {doubt}"))
    return best


def named(column: Column, known: frozenset[str]) -> set[str]:
    """The words of a column that are known, also with more behind them in one word: 'userid', 'Mitgliedsnr'."""
    return {word for word in column.words if any(_says(form, known) for form in _spelled(word))}


def _says(word: str, known: frozenset[str]) -> bool:
    ends = (word[n:] for n in range(3, len(word)) if word[:n] in known)
    return word in known or any(words.ID_ENDINGS.match(end) for end in ends)


def _spelled(word: str) -> set[str]:
    """A word as it is, with German umlauts written out, and without accents."""
    return {
        word,
        word.translate(words.WRITTEN_OUT),
        unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode(),
    }


def user_score(column: Column, rows: int) -> float:
    """How much a column looks like the id of a player; nothing above 0 where it does not."""
    kind = column.form.kind
    if kind not in {"text", "integer"} or column.form.unit or column.filled < 0.6 * rows or column.distinct < 2:
        return 0
    repeats = column.filled / column.distinct
    score = (
        4.0 * bool(named(column, words.PLAYER)) + 2.0 * bool(named(column, words.ID)) + (1.5 if repeats > 1.1 else 0)
    )
    score += 1.0 if repeats > 1.1 and column.distinct > 20 else 0
    score -= 4.0 * bool(set(column.words) & words.NO_PLAYER) + 0.5 * bool(set(column.words) & words.PRIVATE)
    if not named(column, words.PLAYER):  # of nameless columns the one that comes again, but stands for many
        score -= 2.0 if repeats <= 1.1 or column.distinct < max(3, rows**0.3) else 0
        score -= 0.5 * (kind == "text" and not named(column, words.ID))
        score += 1.0 * all(map(_CODE.match, column.values)) - 2.0 * _counts(column)
    return score


def _counts(column: Column) -> bool:
    """Whether its figures look like counts or marks rather than names: small ones, or its name says so."""
    form, own = column.form, set(column.words)
    codes = any(len(value) > 1 and value[0] == "0" for value in column.examples)
    measures = own & (words.LEVEL | words.SCORE | words.POINTS | words.QUANTITY | words.MONEY | words.UNWANTED)
    measures |= own & (words.DURATION.keys() | words.DISTANCE.keys())
    return form.kind == "integer" and not codes and (bool(measures) or (form.lowest <= 1 and form.highest < _FEW))


def find_time(table: Table, given: str | None, told: list[Guess]) -> Column:
    """The column of when it happened: `given`, or the best of those that hold dates.

    Raises:
        NightquestError: None holds dates; it names the columns.
    """
    columns = [as_moment(column) for column in table.columns]
    moments = [column for column in columns if column.form.kind == "moment" and column.filled >= 0.5 * table.rows]
    if not moments:  # a count since 1970 whose name does not speak of time
        moments = [one for one in (_since_1970(column) for column in table.columns) if one.form.kind == "moment"]
    if given:
        column = as_moment(said_column(table, given, "--time"))
        if column.form.kind != "moment":
            raise NightquestError(
                f"'{column.name}' of {table.files[0]} holds no dates: {', '.join(column.examples)}.",
                "docs/ingest.md says which moments are read; convert others in the SELECT of a source.",
            )
        told.append(Guess("moment", column.name, f"you said so; {column.form.told}"))
        return column
    if not moments:
        raise NightquestError(
            f"No column of {table.files[0]} holds dates; it has {_columns(table)}.",
            "Say which one it is: --time COLUMN.",
        )
    best = max(moments, key=lambda column: (_time_score(column), column.filled))  # an end may be open yet
    others = [column.name for column in moments if column is not best]
    beside = f"; also dates: {', '.join(others)[:80]}" if others else ""
    told.append(Guess("moment", best.name, f"{best.form.told}{beside}"))
    if best.form.doubt:
        told.append(Guess("day and month", best.form.told, f"{best.form.doubt}; look at it before you go on"))
    return best


def _time_score(column: Column) -> float:
    own = {form for word in column.words for form in _spelled(word)}
    score = 2.0 * bool(own & words.TIME) + 1.0 * bool(own & words.HAPPENED) - 3.0 * bool(own & words.NOT_HAPPENED)
    score -= 1.0 * bool(own & words.ENDS)
    return score + (0 if column.form.whole_days else 1.0) + min(1.0, column.distinct / max(1, column.filled))


def as_moment(column: Column) -> Column:
    """A column of counts of seconds, milliseconds or days read as moments, where its name speaks of time."""
    form = column.form
    if form.kind not in {"integer", "number"} or not set(column.words) & (words.TIME | words.HAPPENED | words.ENDS):
        return column
    low, high = _SERIAL
    if low <= form.lowest and form.highest <= high:
        days = f"to_microseconds(CAST(TRY_CAST({column.sql} AS DOUBLE) * 86400000000 AS BIGINT))"
        sql, whole = f"TIMESTAMP '1899-12-30' + {days}", form.kind == "integer"
        return replace(column, form=Form("moment", sql, "days as Excel counts", whole_days=whole))
    return _since_1970(column)


def is_moment(column: Column) -> bool:
    """Whether a column without a name holds moments: dates, or counts since 1970."""
    return _since_1970(column).form.kind == "moment"


def _since_1970(column: Column) -> Column:
    """A column of counts since 1970 read as moments, where all of them lie between 1989 and 2049."""
    low, high = _EPOCH
    for unit, scale in _COUNTED.items():
        if (
            column.form.kind in {"integer", "number"}
            and low * scale <= column.form.lowest
            and column.form.highest <= high * scale
        ):
            sql = f"to_timestamp(TRY_CAST({column.sql} AS DOUBLE) / {scale:.0f})"
            return replace(column, form=Form("moment", sql, f"{unit} since 1970", zoned=True))
    return column


def with_clock(table: Table, when: Column, told: list[Guess]) -> tuple[str, str]:
    """The moment as SQL, with a column of times of day behind a date that has none; and that column's name."""
    clocks = [c for c in table.columns if c.form.kind == "clock" and c.filled >= 0.5 * table.rows]
    clock = max(clocks, key=_time_score, default=None)
    if not when.form.whole_days or clock is None or when.form.told.endswith("type"):
        return when.form.sql, ""
    told[:] = [replace(it, guess=f"{it.guess}, {clock.name}") if it.about == "moment" else it for it in told]
    return f"({when.form.sql}) || coalesce(' ' || trim({clock.sql}), '')", clock.name


def said_column(table: Table, name: str, option: str) -> Column:
    """The column that a person named.

    Raises:
        NightquestError: There is none of that name.
    """
    column = table.column(name)
    if column is None:
        raise NightquestError(
            f"There is no column '{name}' in {table.files[0]}.", f"{option} is one of {_columns(table)}."
        )
    return column


def _columns(table: Table) -> str:
    return ", ".join(f"'{column.name}'" for column in table.columns)[:600]
