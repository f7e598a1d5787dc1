"""What is wrong under a home folder, found from its files alone: nothing is changed, nothing slow imported."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb
from pydantic import SecretStr

from configs.commands import command
from configs.errors import BusyError, NightquestError
from data.warehouse import Warehouse, open_warehouse, warehouse_path
from models.tasks import task_names
from pipelines.publish.published import (
    LATEST,
    MANIFEST,
    damaged_files,
    is_a_night,
    published_nights,
    published_root,
    read_latest,
    read_manifest,
)
from pipelines.publish.sinks import sink_problem, sinks


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be.

    Attributes:
        about: The app, or `serve`, `MLflow`, a destination.
        message: A sentence.
        remedy: What a person can do.
        kind: `pointer`, `night`, `warehouse`, `registry`, `serve`, `server`, `run`, `sink`, `pull` or `erasure`.
    """

    about: str
    kind: str
    message: str
    remedy: str


def sink_faults(chosen: Mapping[str, Mapping[str, SecretStr]]) -> Iterator[Fault]:
    """Destinations that cannot be used, or that say so themselves when they are asked."""
    for name in sorted(chosen):
        told = {key: value.get_secret_value() for key, value in chosen[name].items()}
        if problem := sink_problem(name, told):
            yield Fault(name, "sink", f"NIGHTQUEST_SINKS: {problem}.", "Correct it or unset it.")
        elif probe := sinks()[name].probe:
            try:
                probe(told)
            except NightquestError as error:
                yield Fault(name, "sink", error.message, error.remedy)


def apps_under(home: Path) -> list[str]:
    """Every app that has data or published nights."""
    warehouses = {path.stem for path in (home / "warehouse").glob("*.duckdb")}
    return sorted(warehouses | {path.name for path in (home / "published").glob("*") if path.is_dir()})


def night_faults(home: Path, app: str) -> Iterator[Fault]:
    """Nights that are not whole."""
    for folder in sorted(filter(is_a_night, published_root(home, app).glob("*"))):
        if why := _why(folder):
            yield Fault(app, "night", f"The night {folder} is damaged: {why}.", _again(folder, app))


def pointer_fault(home: Path, app: str) -> Fault | None:
    """A latest.json that is missing, broken or names another night than the newest that is out."""
    nights, pointer = published_nights(home, app), published_root(home, app) / LATEST
    if not nights:
        return None
    mend = f"Run: {command('doctor', '--mend')}"
    if not pointer.exists():
        return Fault(app, "pointer", f"{pointer} is missing, while the night of {nights[-1][0]} is out.", mend)
    try:
        named = read_latest(home, app).folder
    except (NightquestError, OSError) as error:
        return Fault(app, "pointer", getattr(error, "message", f"{pointer} cannot be read: {error}."), mend)
    newest = newest_whole_night(home, app) if named != nights[-1][2] else named
    if newest in {named, None}:
        return None
    return Fault(app, "pointer", f"{pointer} names {named.name}, while {nights[-1][2].name} is out.", mend)


def newest_whole_night(home: Path, app: str) -> Path | None:
    """The folder of the newest night whose files are what its manifest says."""
    return next((folder for _, _, folder in reversed(published_nights(home, app)) if not _why(folder)), None)


def warehouse_fault(home: Path, app: str, *, deep: bool) -> Fault | None:
    """A warehouse that is missing or cannot be read (`deep`: to its last row); one at work is not looked at."""
    path = warehouse_path(home, app)
    restore = (
        "Restore it from a backup. Without one move it away and take the event files in again; nights that are out "
        "stay readable, but open promises, XP and badges are only in there."
    )
    if not path.exists():
        return Fault(app, "warehouse", f"The warehouse {path} is missing, while nights of '{app}' are out.", restore)
    try:
        with open_warehouse(home, app, read_only=True) as warehouse:
            _read(warehouse, "count(*)" if not deep else "bit_xor(hash(t))")
            begun = _unfinished_erasure(warehouse)
    except BusyError:
        return None
    except (NightquestError, duckdb.Error) as error:
        told = (str(error).splitlines() or ["it cannot be read"])[0][:200].rstrip(".")
        return Fault(app, "warehouse", f"The warehouse {path} is damaged: {told}.", restore)
    if begun:
        again = command("erase", "USER", "--yes", app=app)
        return Fault(app, "erasure", f"An erasure of '{app}' that began on {begun} was not finished.", f"Run: {again}")
    return None


def _unfinished_erasure(warehouse: Warehouse) -> str:
    """The day on which an erasure began that was cut off, or that some destination was not told of; empty if none."""
    with suppress(duckdb.CatalogException):  # a warehouse from before there was this table
        day = warehouse.value("SELECT min(asked_at)::DATE FROM erased WHERE done_at IS NULL")
        return str(day) if day else ""
    return ""


def _read(warehouse: Warehouse, what: str) -> None:
    for (table,) in warehouse.rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal"):
        warehouse.value(f'SELECT {what} FROM "{table}" t')


def registry_fault(home: Path, app: str) -> Fault | None:
    """A registry that cannot be read, or has lost the models whose files are there or that nights were made with."""
    store = home / "mlflow.db"
    restore = f"Restore mlflow.db and mlartifacts from a backup, or run: {command('train', app=app)}"
    try:
        gone, known = models_gone(home, app), {name for name, _ in _registered(store, app)}
    except sqlite3.Error as error:
        return Fault(app, "registry", f"The model registry {store} is damaged: {error}.", restore)
    if gone:
        files = f"The files of the models {', '.join(gone)} of '{app}' are lost under {home / 'mlartifacts'}."
        return Fault(app, "registry", files, restore)
    kept = {task for task in task_names() if any((home / "mlartifacts" / app / task).glob("models/*"))}
    if _used(home, app) - known or (kept and not known):
        return Fault(app, "registry", f"The models of '{app}' are lost: {store} does not know them.", restore)
    return None


def models_gone(home: Path, app: str) -> list[str]:
    """Tasks whose champion is registered while its files are not there.

    Raises:
        sqlite3.Error: The registry is damaged.
    """
    serving = {task: lies_in(home, place) for task, place in _registered(home / "mlflow.db", app) if place}
    return sorted(task for task, folder in serving.items() if folder and not any(folder.rglob("*.json")))


def model_faults(home: Path, app: str) -> Iterator[Fault]:
    """Champions whose files are not those that were registered: every one is read."""
    from models.tracking.registry import FILES  # noqa: PLC0415 (`status` asks for none of it)
    from models.tracking.sealed import verify  # noqa: PLC0415
    from models.tracking.versions import told_in  # noqa: PLC0415

    for task, (version, place, tags) in _champions(home / "mlflow.db", app).items():
        folder = lies_in(home, place)
        if folder and folder.exists():  # else `registry_fault` tells it
            try:
                verify(
                    folder / "data" / "files",
                    told_in(tags, FILES) or None,
                    f"champion of {app}.{task} (version {version})",
                )
            except NightquestError as error:
                yield Fault(app, "registry", error.message, error.remedy)


def to_review(home: Path, app: str) -> list[str]:
    """`<task> version <n>` for each model that waits for a person's review; none of a registry out of reach."""
    store = home / "mlflow.db"
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        rows = con.execute(
            """SELECT r.name, r.version FROM registered_model_aliases r
               LEFT JOIN registered_model_aliases c ON c.name = r.name AND c.alias = 'champion'
               WHERE r.alias = 'review' AND r.version IS DISTINCT FROM c.version ORDER BY r.name"""
        ).fetchall()
        tasks = {f"{app}.{task}": task for task in task_names()}
        return [f"{tasks[name]} version {version}" for name, version in rows if name in tasks]
    return []


def _registered(store: Path, app: str) -> list[tuple[str, str | None]]:
    """Tasks of an app that have a version in the registry, with where the champion lies."""
    if not store.exists():
        return []
    with closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        if not con.execute("SELECT 1 FROM sqlite_master WHERE name = 'model_versions'").fetchone():
            return []
        rows = con.execute(
            """SELECT name, max(iif(alias = 'champion', storage_location, NULL))
               FROM model_versions LEFT JOIN registered_model_aliases USING (name, version) GROUP BY name"""
        ).fetchall()
    tasks = {f"{app}.{task}": task for task in task_names()}
    return [(tasks[name], place) for name, place in rows if name in tasks]


def lies_in(home: Path, place: str | None) -> Path | None:
    """Where the files of a version lie, of whatever model it is a copy; None elsewhere than under this home."""
    _, under, rest = (place or "").rpartition("/mlartifacts/")  # of a home that was moved another one stands before it
    return home / "mlartifacts" / unquote(rest) if under else None


def _champions(store: Path, app: str) -> dict[str, tuple[int, str | None, dict[str, str]]]:
    """Version, place and tags of an app's champions by task; none of a registry that cannot be read."""
    if not store.exists():
        return {}
    found: dict[str, tuple[int, str | None, dict[str, str]]] = {}
    tasks = {f"{app}.{task}": task for task in task_names()}
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        rows = con.execute(
            """SELECT name, version, storage_location, key, value
               FROM registered_model_aliases JOIN model_versions USING (name, version)
               LEFT JOIN model_version_tags USING (name, version) WHERE alias = 'champion' ORDER BY name"""
        ).fetchall()
        for name, version, place, key, value in rows:
            if name in tasks:
                found.setdefault(tasks[name], (version, place, {}))[2][key] = value
    return found


def _used(home: Path, app: str) -> set[str]:
    """Tasks of which a registered version had a part in the newest night."""
    for *_, folder in published_nights(home, app)[-1:]:
        with suppress(NightquestError):
            models = read_manifest(folder).models
            return {task for task in task_names() if models.get(task, "").startswith(f"{app}.{task}/")}
    return set()


def _why(folder: Path) -> str:
    """Why a night is not whole; empty when it is."""
    if not (folder / MANIFEST).exists():
        return "its manifest is missing"
    try:
        damaged = damaged_files(folder, read_manifest(folder))
    except NightquestError:
        return "its manifest cannot be read"
    return f"{', '.join(damaged)} not as the manifest says" if damaged else ""


def _again(folder: Path, app: str) -> str:
    return f"Publish it again: {command('nightly', '--as-of', folder.name[:10], app=app)}"
