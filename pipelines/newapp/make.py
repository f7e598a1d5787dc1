"""A first app file and source from somebody's own files: sample, guesses, words, a rehearsal of what would go in."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.app import App
from configs.errors import NightquestError
from configs.files import Files
from configs.nouns import counted
from configs.shipped import shipped_apps
from data.warehouse import Warehouse, scratch
from pipelines.activity.delivery_reader import know_zones
from pipelines.activity.preview import read_ahead
from pipelines.activity.read_files import find_files
from pipelines.activity.reasons import count_reasons
from pipelines.newapp.guess import Guess
from pipelines.newapp.metrics import Measured, leader_of, metrics_of
from pipelines.newapp.nested import insist_on_rows
from pipelines.newapp.play import Play, badges_of, read_play
from pipelines.newapp.properties import Carried, is_label
from pipelines.newapp.rehearsal import (
    by_day_told,
    of_a_moment,
    once_told,
    overlong,
    read_by_day,
    read_once,
    read_shorter,
    shorter_told,
    told_by_day,
    told_of,
)
from pipelines.newapp.render import app_of, content_of, render_app, render_sql, with_play
from pipelines.newapp.roles import Roles, find_roles, is_events, lists_of_people, union_of
from pipelines.newapp.sample import Column, Table, plain_name, read_tables, words_of
from pipelines.newapp.text_format import guess_files
from pipelines.newapp.who_when import is_moment
from pipelines.words.app_file import wording_problems

_ONE_WORD = re.compile(r"^\S{4,64}$")
_NO_EVENTS = "nobody acts in it at a moment; a SELECT may join it"
_PEOPLE = "a row for each person of the other files; what is told of players goes in with `ingest --players`"


@dataclass(frozen=True)
class Hints:
    """What the person said instead of leaving it to be guessed; empty where nothing was said."""

    app: str = ""
    timezone: str = ""
    user: str = ""
    time: str = ""
    event: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewApp:
    """What was made.

    Attributes:
        app: The app's name.
        app_text, sql_text: The two files.
        guesses: What was guessed, and why.
        play: What the sample says of play.
        refused: Rows of the sample that would be refused.
        reasons: Why, with how many.
        partly: Whether the files go on beyond the sample.
        aside: Files that were left aside.
    """

    app: str
    app_text: str
    sql_text: str
    guesses: tuple[Guess, ...]
    play: Play
    refused: int
    reasons: dict[str, int]
    partly: bool
    aside: tuple[Path, ...] = ()


def make_app(paths: Sequence[Path], said: Hints, now: dt.datetime) -> NewApp:
    """Guess an app file and its source from files.

    Args:
        paths: Files, or folders.
        said: What is not to be guessed.
        now: Events later than a day after it would be refused.

    Raises:
        NightquestError: A file cannot be read, nothing in it looks like a player or a moment, or not a row would go in.
    """
    files, _ = find_files(paths)
    with scratch() as warehouse:
        know_zones(warehouse)
        tables, told = _tables(warehouse, files, said)
    people = [] if said.user else lists_of_people(tables)
    events = [table for table in tables if table not in people and (is_events(table) or said.user)]
    aside = [table for table in tables if table not in events]
    if not events:
        for table in tables:
            insist_on_rows(table)
        events, aside = tables[:1], tables[1:]  # whose columns are then told
    roles = [_with_known_players(find_roles(table, said.user, said.time, said.event)) for table in events]
    told += [
        Guess("left aside", path.name, _PEOPLE if table in people else _NO_EVENTS)
        for table in aside
        for path in table.files
    ]
    name = _app_name(said, events[0])
    guesses = [*told, *(guess for one in roles for guess in one.guesses), *_zone_guess(said, roles)]
    made = _rehearsed(name, said, roles, guesses, files, now, partly=any(table.partly for table in tables))
    return replace(made, aside=tuple(path for table in aside for path in table.files))


def _tables(warehouse: Warehouse, files: Sequence[Path], said: Hints) -> tuple[list[Table], list[Guess]]:
    written = {path: guess_files(path) for path in files}
    guesses: list[Guess] = []
    shapes = {(one.encoding, one.delimiter, len(one.columns)) for one in written.values()}
    if len(shapes) > 1:
        told = "; ".join(f"{path.name}: {_form(one)}" for path, one in written.items())[:400]
        raise NightquestError(f"The files are not written alike ({told}).", "Give init one kind of them at a time.")
    one = next(iter(written.values()))
    if one != Files():
        guesses.append(Guess("written", _form(one), "by its bytes and lines"))
    if one.columns:
        names = said.columns or _names(files, written)
        if len(names) != len(one.columns):
            raise NightquestError(
                f"The first line has {len(one.columns)} fields, and --columns names {len(names)}.", "Name each of them."
            )
        written = {path: form.model_copy(update={"columns": list(names)}) for path, form in written.items()}
        why = f"the first line has figures in it; columns are called {', '.join(names)}"
        guesses.append(Guess("header", "none", why))
    return read_tables(warehouse, files, written), guesses


def _form(one: Files) -> str:
    parts = [one.encoding or "UTF-8", f"{one.delimiter or 'delimiter by its header'}"]
    return ", ".join([*parts, *(["no header"] if one.columns else [])])


def _names(files: Sequence[Path], written: dict[Path, Files]) -> tuple[str, ...]:
    """Names for columns that have none, by what they hold."""
    with scratch() as apart:
        know_zones(apart)
        table = read_tables(apart, files[:1], written)[0]
    player = find_roles(table, None, None, None).guesses[0].guess
    names: list[str] = []
    for column in table.columns:
        name = "player" if column.name == player else _usual_name(column, table)
        if name == "moment" and name in names and _follows(column, table.columns[names.index(name)]):
            name = "end"
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return tuple(names)


def _usual_name(column: Column, table: Table) -> str:
    """What a nameless column is called for what it holds."""
    if is_moment(column):
        return "moment"
    kind = column.form.kind
    if kind == "text" and column.distinct == table.rows > 1 and all(map(_ONE_WORD.match, column.values)):
        return "id"
    if kind == "integer" and is_label(column):
        return "code"
    usual = {"clock": "time_of_day", "integer": "count", "number": "amount", "text": "kind"}
    return usual.get(kind, "field")


def _follows(end: Column, start: Column) -> bool:
    """Whether counts since 1970 begin and end later than others do."""
    return 0 < start.form.lowest <= end.form.lowest and start.form.highest <= end.form.highest


def _with_known_players(roles: Roles) -> Roles:
    """Rows without a player are left out by the SELECT, which says so."""
    user = next((c for c in roles.table.columns if c.sql in roles.user), None)
    if user is None or user.filled == roles.table.rows or roles.hidden:
        return roles
    lost = roles.table.rows - user.filled
    guess = Guess("left out", counted(lost, "row"), f"without a {user.name}; the SELECT's last line does it")
    return replace(
        roles, hidden=f"nullif(trim(CAST({user.sql} AS VARCHAR)), '') IS NOT NULL", guesses=(*roles.guesses, guess)
    )


def _app_name(said: Hints, table: Table) -> str:
    name = said.app or plain_name(words_of(table.name.removeprefix("raw_")), "app")
    if name in shipped_apps():
        raise NightquestError(f"'{name}' is the name of a shipped app.", "Say another: --app NAME.")
    return name


def _zone_guess(said: Hints, roles: Sequence[Roles]) -> list[Guess]:
    if said.timezone:
        return [Guess("time zone", said.timezone, "you said so")]
    if all(one.zoned for one in roles):
        return [Guess("time zone", "UTC", "times have an offset; the days are those of UTC until you say whose")]
    return [Guess("time zone", "UTC", "times have no offset, so this is a guess: say --timezone")]


def _rehearsed(
    name: str,
    said: Hints,
    roles: list[Roles],
    guesses: list[Guess],
    files: Sequence[Path],
    now: dt.datetime,
    *,
    partly: bool,
) -> NewApp:
    """The files as text, after the source has been tried on the sample."""
    kinds = union_of(roles)
    sql = render_sql(roles)
    with scratch() as warehouse:
        draft = content_of(name, said.timezone or "UTC", roles, kinds, metrics_of(kinds))
        read_ahead(warehouse, app_of(draft), files, now=now, source_sql=sql)
        reasons = count_reasons(warehouse, "bad_rows")
        warehouse.run(
            """DELETE FROM incoming WHERE retracts IS NOT NULL
               OR event_id IN (SELECT retracts FROM incoming WHERE retracts IS NOT NULL)"""
        )
        if not warehouse.value("SELECT count(*) FROM incoming"):
            first = next(iter(reasons.items()), ("there are none", 0))
            raise NightquestError(f"Not a row of the sample would go in: {first[0]}.", "Say --user, --time or --event.")
        if long := overlong(warehouse, roles):
            roles = [read_shorter(one, long) for one in roles]
            return _rehearsed(name, said, roles, shorter_told(roles, guesses, long), files, now, partly=partly)
        if whole := of_a_moment(warehouse, roles):
            roles = [read_once(one, whole) for one in roles]
            return _rehearsed(name, said, roles, [*guesses, once_told(roles, whole)], files, now, partly=partly)
        if told_by_day(warehouse, roles):
            roles = [read_by_day(one) for one in roles]
            return _rehearsed(name, said, roles, by_day_told(guesses), files, now, partly=partly)
        play = read_play(warehouse, said.timezone or "UTC")
        metrics = _sayable(name, said, roles, _by_frequency(kinds, play))
        content = content_of(name, said.timezone or "UTC", roles, _by_frequency(kinds, play), metrics)
        content = with_play(content, play, badges_of(warehouse, metrics, leader_of(metrics), said.timezone or "UTC"))
        guesses = [*guesses, *told_of(warehouse, roles, metrics)]
    app_of(content)
    text = render_app(content, metrics, [replace(roles[0], guesses=tuple(guesses)), *_bare(roles[1:])], play)
    return NewApp(name, text, sql, tuple(guesses), play, sum(reasons.values()), reasons, partly)


def _bare(roles: Sequence[Roles]) -> list[Roles]:
    return [replace(one, guesses=()) for one in roles]


def _by_frequency(kinds: dict[str, list[Carried]], play: Play) -> dict[str, list[Carried]]:
    return {name: kinds[name] for name in sorted(kinds, key=lambda name: -play.by_kind.get(name, 0))}


def _sayable(name: str, said: Hints, roles: list[Roles], kinds: dict[str, list[Carried]]) -> list[Measured]:
    """The metrics of which sentences can be made."""
    metrics = metrics_of(kinds)
    app: App = app_of(content_of(name, said.timezone or "UTC", roles, kinds, metrics))
    wrong = {problem.split(".")[1].split(":")[0] for problem in wording_problems(app) if problem.startswith("metrics.")}
    if all(one.table.wide for one in roles):  # where a day has one mark, days say what their number says
        wrong |= {metric.name for metric in metrics if metric.keys.get("agg") == "days"}
    return [metric for metric in metrics if metric.name not in wrong]
