"""From a name or a path to a checked app, with a sentence for everything that is wrong."""

import difflib
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from configs.app import App
from configs.commands import remember_app
from configs.errors import AppFileError
from configs.examine import Examined, examine
from configs.problems import Problem, as_error
from configs.shipped import APPS, shipped_apps
from configs.yaml_file import MAX_BYTES, YamlFile, read_yaml

CONFIGS = Path(__file__).parent
SOURCES = CONFIGS / "sources"
SCHEMA = CONFIGS / "apps.schema.json"


@dataclass(frozen=True)
class LoadedApp:
    """An app and where it comes from.

    Attributes:
        hash: Changes when the app or its source changes in meaning, not with a comment.
        source_sql: The text of the default source's SELECT, when the app has one.
        players_sql: The text of the SELECT that yields players, `<source>_players.sql` beside it, when there is one.
        calendar_sql: The text of that which yields the calendar, `<source>_calendar.sql`.
    """

    app: App
    path: Path
    hash: str
    source_sql: str | None
    players_sql: str | None = None
    calendar_sql: str | None = None


@dataclass(frozen=True)
class SourceTexts:
    """The SELECTs of an app's source, each None where there is no such file."""

    events: str | None = None
    players: str | None = None
    calendar: str | None = None


def load_app(name_or_path: str | Path) -> LoadedApp:
    """Load a shipped app by name, or any app file by path.

    Raises:
        AppFileError: There is no such app, or its file has problems: one line each, with file, line, key and remedy.
    """
    examined = examine_app(name_or_path)
    if examined.problems or examined.app is None:
        raise as_error(examined.problems)
    app, path = examined.app, examined.source.path
    remember_app(app.app, str(name_or_path))
    texts = read_source_of(path, app)
    return LoadedApp(app, path, _hash(app, texts.events), texts.events, texts.players, texts.calendar)


def read_source_of(path: Path, app: App) -> SourceTexts:
    """The SELECTs of an app's source that yield events, players and its calendar."""
    place = None if app.source is None else _source(path, app.source)
    if place is None:
        return SourceTexts()
    beside = (place.with_name(f"{app.source}_{what}.sql") for what in ("players", "calendar"))
    others = (one.read_text(encoding="utf-8") if one.is_file() else None for one in beside)
    return SourceTexts(place.read_text(encoding="utf-8"), *others)


def examine_app(name_or_path: str | Path) -> Examined:
    """Find every fault of an app file, a shipped app's by its name.

    Raises:
        AppFileError: There is no such app, or its file cannot be read as YAML.
    """
    path = _find(str(name_or_path))
    examined = _examine(path, _start_of(path))
    missing = list(_no_source(examined.source, examined.app)) if examined.app else []
    return replace(examined, problems=(*examined.problems, *missing))


def _start_of(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)
    return b""


@lru_cache(maxsize=8)
def _examine(path: Path, _bytes: bytes) -> Examined:
    """A command looks at its app file more than once; the same bytes mean the same."""
    source = read_yaml(path)
    return examine(source, dict(source.content), export_schema)


def export_schema() -> dict[str, Any]:
    """The JSON Schema of an app file, for editors."""
    schema = App.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Nightquest app file",
    }


def write_schema(path: Path = SCHEMA) -> None:
    """Write the JSON Schema beside the apps."""
    path.write_text(json.dumps(export_schema(), indent=2) + "\n", encoding="utf-8")


def _find(name: str) -> Path:
    if "/" in name or "\\" in name or name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise AppFileError(f"There is no app file {path}.", "Check the path.")
        return path
    path = APPS / f"{name}.yaml"
    if path.is_file():
        return path
    known = shipped_apps()
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"Did you mean '{near[0]}'?" if near else f"Use {', '.join(known) or 'a path'}, or a path to an app file."
    raise AppFileError(f"There is no app '{name}'.", remedy)


def _source(app_path: Path, name: str) -> Path | None:
    """The file of a source: beside the app file, in a folder of sources beside its folder, or shipped."""
    folders = (app_path.parent, app_path.parent.parent / "sources", SOURCES)
    return next((place for folder in folders if (place := folder / f"{name}.sql").is_file()), None)


def _no_source(source: YamlFile, app: App) -> Iterator[Problem]:
    if app.source is not None and _source(source.path, app.source) is None:
        place = source.path.parent / f"{app.source}.sql"
        remedy = f"Write its SELECT to {place} or remove the key."
        yield Problem(str(source.path), source.line(["source"]), "source", f"there is no source '{app.source}'", remedy)


def _hash(app: App, source_sql: str | None) -> str:
    said = app.model_dump(mode="json", exclude={"pulls"})  # where rows come from, not what they mean
    meaning = json.dumps([said, source_sql], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]
