"""From a name or a path to a checked app, with a sentence for everything that is wrong."""

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.app import App
from configs.commands import remember_app
from configs.errors import AppFileError
from configs.problems import as_error, model_problems, raw_rule_problems, rule_problems, word_problems
from configs.yaml_file import read_yaml

CONFIGS = Path(__file__).parent
APPS = CONFIGS / "apps"
SOURCES = CONFIGS / "sources"
BASE = CONFIGS / "base.yaml"
SCHEMA = CONFIGS / "apps.schema.json"


@dataclass(frozen=True)
class LoadedApp:
    """An app and where it comes from.

    Attributes:
        hash: Changes when the app or its source changes in meaning, not with a comment.
        source_sql: The text of the default source's SELECT, when the app has one.
        players_sql: The text of the SELECT that yields players, `<source>_players.sql` beside it, when there is one.
    """

    app: App
    path: Path
    hash: str
    source_sql: str | None
    players_sql: str | None = None


def shipped_apps() -> list[str]:
    """Names of the apps in configs/apps."""
    return sorted(path.stem for path in APPS.glob("*.yaml"))


def load_app(name_or_path: str | Path) -> LoadedApp:
    """Load a shipped app by name, or any app file by path.

    Raises:
        AppFileError: There is no such app, or its file has problems: one line each, with file, line, key and remedy.
    """
    path = _find(str(name_or_path))
    source = read_yaml(path)
    content = dict(source.content)
    if not content.get("personas") and BASE.exists():
        content["personas"] = read_yaml(BASE).content.get("personas", {})
    try:
        app = App.model_validate(content)
    except ValidationError as error:
        raise as_error([*model_problems(source, error, export_schema()), *raw_rule_problems(source)]) from None
    if problems := [*rule_problems(source, app), *word_problems(source, app)]:
        raise as_error(problems)
    remember_app(app.app, str(name_or_path))
    if app.source is None:
        return LoadedApp(app, path, _hash(app, None), None)
    place = _source(path, source.line(["source"]), app.source)
    beside = place.with_name(f"{app.source}_players.sql")
    sql = place.read_text(encoding="utf-8")
    players_sql = beside.read_text(encoding="utf-8") if beside.is_file() else None
    return LoadedApp(app, path, _hash(app, sql), sql, players_sql)


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


def _source(app_path: Path, line: int, name: str) -> Path:
    places = [
        app_path.parent / f"{name}.sql",
        app_path.parent.parent / "sources" / f"{name}.sql",
        SOURCES / f"{name}.sql",
    ]
    for place in places:
        if place.is_file():
            return place
    raise AppFileError(
        f"{app_path}:{line}: source: there is no source '{name}'.",
        f"Write its SELECT to {places[0]} or remove the key.",
    )


def _hash(app: App, source_sql: str | None) -> str:
    meaning = json.dumps([app.model_dump(mode="json"), source_sql], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]
