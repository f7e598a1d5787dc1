"""The app file and its source as text, with what was guessed beside it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from configs.app import App
from configs.files import PLAIN, Files
from pipelines.activity.normalise import text
from pipelines.newapp.metrics import Measured, features_of, leader_of
from pipelines.newapp.play import Play
from pipelines.newapp.properties import Carried
from pipelines.newapp.roles import Roles, event_sql
from pipelines.newapp.words import voice_of
from pipelines.newapp.xapi import Voiding

_OFTEN = 0.1  # of the events: a course now and then makes no school of a workshop


def content_of(
    name: str, zone: str, roles: Sequence[Roles], kinds: Mapping[str, Sequence[Carried]], metrics: Sequence[Measured]
) -> dict[str, Any]:
    """The app file's content, without what only play in the sample can tell."""
    leader = leader_of(metrics)
    return {
        "app": name,
        "title": name.replace("_", " ").title(),
        "timezone": zone,
        "earliest": "1950-01-01",
        "source": name,
        "files": roles[0].table.written.model_dump(exclude_defaults=True),
        "events": {
            event: {"properties": {one.name: _property(one) for one in properties}}
            for event, properties in kinds.items()
        },
        "metrics": {metric.name: _metric(metric) for metric in metrics},
        "segments": {"features": features_of(metrics, leader), "score": leader.name},
        "challenges": {"metrics": [metric.name for metric in metrics if metric.askable]},
        "voice": voice_of(list(kinds)),
    }


def with_play(content: Mapping[str, Any], play: Play, badges: Mapping[str, Any]) -> dict[str, Any]:
    """The content with what play tells: badges within reach, windows, the first day that counts, the world it is in."""
    earliest = f"{play.first.year}-01-01" if play.first.year < 2000 else None
    challenges = content["challenges"] | {"windows": play.windows, "active_within_days": play.active_within_days}
    voice = voice_of([kind for kind, n in play.by_kind.items() if n >= _OFTEN * play.events])
    return {**content, "earliest": earliest, "badges": badges, "challenges": challenges, "voice": voice}


def app_of(content: Mapping[str, Any]) -> App:
    """The content as an app; a fault in it is a mistake of ours."""
    return App.model_validate({key: value for key, value in content.items() if value is not None})


def _property(one: Carried) -> Any:
    if one.type in {"text", "boolean"}:
        return one.type
    return {"type": one.type, "min": 0} if one.nonnegative else {"type": one.type}


def _metric(metric: Measured) -> dict[str, Any]:
    words = {
        "label": metric.words.label,
        "unit": metric.words.unit,
        "task": metric.words.task if metric.askable else "",
    }
    return {**metric.keys, **{key: value for key, value in words.items() if value}}


def render_app(content: Mapping[str, Any], metrics: Sequence[Measured], roles: Sequence[Roles], play: Play) -> str:
    """The app file as a person may go on with it."""
    files = Files.model_validate(content["files"])
    guessed = [f"{guess.about}: {guess.guess} ({guess.why})" for one in roles for guess in one.guesses]
    whose = f"{play.events:,} events of {play.players:,} players, {play.first} to {play.last}"
    lines = [
        f"# {content['title']}: guessed from {whose}. docs/apps.md explains every key.",
        *_cut(guessed),
        "",
        f"app: {content['app']}",
        f"title: {_value(content['title'])}",
        f"timezone: {content['timezone']}  # of times without an offset, and of players without a zone",
    ]
    if content["earliest"]:
        lines.append(f"earliest: {content['earliest']}  # an event before this day is refused")
    lines.append(f"source: {content['source']}  # {content['source']}.sql beside this file makes events of your files")
    if files != PLAIN:
        lines.append(f"files: {_value(files.model_dump(exclude_defaults=True))}  # how their text is written")
    return "\n".join([*lines, *_body(content, {metric.name: metric.words.note for metric in metrics})]) + "\n"


def _body(content: Mapping[str, Any], notes: Mapping[str, str]) -> list[str]:
    events, badges = content["events"], content["badges"]
    return [
        "\n# What players do. `active: false` is for what only happens to them, such as a vote received.\nevents:",
        *(_event(name, event, len(events)) for name, event in events.items()),
        "\n# What is counted. Its words were put together from names of columns: `check` shows how each of them reads.",
        "metrics:",
        *(
            f"  {name}: {_value(keys)}" + (f"  # {notes[name]}" if notes.get(name) else "")
            for name, keys in content["metrics"].items()
        ),
        "\n# Whose play is comparable: `by: [level]` compares within the values of a property.\ncohorts: {by: []}",
        f"\n# What describes strength, and which metric leads.\nsegments: {_value(content['segments'])}",
        "\n# Earned for good; thresholds are what 40, 75 and 93 % of the players in the sample did not exceed.",
        "badges:" if badges else "badges: {}",
        *(f"  {name}: {_value(badge)}" for name, badge in badges.items()),
        "\n# What may be asked of players, in how many days; windows follow from how often people come.",
        f"challenges: {_value(content['challenges'])}",
        f"\n# How the app speaks.\nvoice: {_value(content['voice'])}",
    ]


def _cut(lines: Sequence[str], width: int = 118) -> list[str]:
    return [f"#   {line if len(line) <= width else line[: width - 1] + '…'}" for line in lines]


def _event(name: str, event: Mapping[str, Any], events: int) -> str:
    if not event["properties"]:
        return f"  {name}: {{}}"
    if events > 3:
        return f"  {name}: {_value(event)}"
    return f"  {name}:\n    properties:\n" + "\n".join(
        f"      {key}: {_value(declared)}" for key, declared in event["properties"].items()
    )


def _value(value: Any) -> str:
    """A value as YAML on one line: text in double quotes where it is more than a plain word."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str) and value.replace("_", "").isalpha() and value.isascii() and value.islower():
        return (
            value if value not in {"null", "true", "false", "yes", "no", "on", "off", "y", "n"} else json.dumps(value)
        )
    return json.dumps(value, ensure_ascii=False)


def render_sql(roles: Sequence[Roles]) -> str:
    """The source: a SELECT for each table, one below the other."""
    several = len(roles) > 1
    ids = any(one.event_id for one in roles)
    properties, voids = any(one.properties for one in roles), [one for one in roles if one.voiding]
    selects = [_select(one, several=several, ids=ids, properties=properties, voids=bool(voids)) for one in roles]
    selects += [_void(one, several=several, properties=properties) for one in voids]
    told = "\n".join(
        f"--   {one.table.name}: {', '.join(path.name for path in one.table.files)[:100]}" for one in roles
    )
    return (
        "-- Makes events of your files. Each file is kept as it came, in a table named for it; this reads them all.\n"
        f"{told}\n-- docs/ingest.md#sources says what may stand here.\n" + "\nUNION ALL\n".join(selects) + "\n"
    )


def _select(roles: Roles, *, several: bool, ids: bool, properties: bool, voids: bool) -> str:
    lines = [f"{_id(roles, roles.event_id, several=several)} AS event_id"] if ids else []
    lines += [f"{roles.user} AS user_id", f"{event_sql(roles)} AS event"]
    moment = f"CAST({roles.moment} AS VARCHAR)" if several or voids else roles.moment
    lines += [f"{moment} AS occurred_at"]
    if properties:
        pairs = ",\n           ".join(f"{text(one.name)}, {_read(one)}" for one in roles.properties)
        read = f"json_merge_patch('{{}}', json_object(\n           {pairs}\n       ))" if pairs else "NULL"
        lines += [f"{read} AS properties"]
    lines += ["NULL AS retracts"] * voids + ["r._delivery_id", "r._row"]
    where = f"\nWHERE {roles.hidden}" if roles.hidden else ""
    window = _of_a_moment(roles) if any(one.once for one in roles.properties) else ""
    return "SELECT " + ",\n       ".join(lines) + f"\nFROM {roles.table.relation} AS r{where}{window}"


def _of_a_moment(roles: Roles) -> str:
    """The rows of a player's moment in an order that is theirs, however a later file with them is sorted."""
    own = [roles.event.sql] if roles.event else []
    order = [*own, *(one.column.sql for one in roles.properties if not one.once), "r._row"]
    rows = f"PARTITION BY {roles.user}, {roles.moment}, r._delivery_id\n    ORDER BY {', '.join(dict.fromkeys(order))}"
    return f"\nWINDOW of_a_moment AS ({rows})"


def _void(roles: Roles, *, several: bool, properties: bool) -> str:
    """The rows that are no events but take others back, whenever those come."""
    void = cast("Voiding", roles.voiding)
    event_id, target = (_id(roles, sql, several=several) for sql in (roles.event_id or "NULL", void.target))
    nothing = ["NULL AS user_id", "NULL AS event", f"CAST({roles.moment} AS VARCHAR) AS occurred_at"]
    nothing += ["NULL AS properties"] * properties
    lines = [f"{event_id} AS event_id", *nothing, f"{target} AS retracts", "r._delivery_id", "r._row"]
    return "SELECT " + ",\n       ".join(lines) + f"\nFROM {roles.table.name} AS r\nWHERE {void.condition}"


def _id(roles: Roles, sql: str, *, several: bool) -> str:
    """An id, told apart from those of other tables."""
    event_id = f"CAST({sql or 'NULL'} AS VARCHAR)"
    return (
        f"{text(roles.table.name.removeprefix('raw_') + ':')} || {event_id}" if roles.event_id and several else event_id
    )


def _read(one: Carried) -> str:
    """A property's value; figures that only tell things apart stay the text that they are."""
    if one.type == "text":
        return f"nullif(trim(CAST({one.column.sql} AS VARCHAR)), '')"
    sql = one.column.form.sql
    return f"CASE WHEN row_number() OVER of_a_moment = 1 THEN {sql} END" if one.once else sql
