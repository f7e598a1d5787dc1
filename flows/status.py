"""What there is under a home folder: each app's data and newest night, and whether anything runs."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.errors import BusyError, NightquestError
from data.warehouse import Warehouse, open_warehouse
from flows.console import note
from flows.serving import Serving, find_serving
from pipelines.publish.published import read_latest


@dataclass(frozen=True)
class AppStatus:
    """One app's state. What a busy warehouse cannot tell is None.

    Attributes:
        state: 'ready', 'busy' while another process writes, or why it cannot be read.
        last_event_at: When the newest event occurred.
    """

    app: str
    state: str
    events: int | None
    players: int | None
    quarantined: int | None
    last_event_at: dt.datetime | None
    as_of: dt.date | None
    revision: int | None


@dataclass(frozen=True)
class Status:
    """Everything under one home folder."""

    home: Path
    serving: Serving | None
    apps: list[AppStatus]


def gather_status(home: Path) -> Status:
    """Look at every app that has data or published nights."""
    warehouses = {path.stem for path in (home / "warehouse").glob("*.duckdb")}
    published = {path.name for path in (home / "published").glob("*") if path.is_dir()}
    return Status(home, find_serving(home), [_look(home, app) for app in sorted(warehouses | published)])


def status_view(status: Status) -> RenderableType:
    """For people."""
    serving = status.serving
    line = f"Serving: Prefect {serving.prefect_url}, MLflow {serving.mlflow_url}" if serving else "Not serving."
    if not status.apps:
        return Group(note(f"Nothing under {status.home} yet. Try: {command('demo')}", ""), line)
    table = Table(box=box.SIMPLE_HEAD, header_style="dim")
    for name in ("app", "state", "events", "players", "refused rows", "last event", "newest night"):
        table.add_column(name)
    for app in status.apps:
        table.add_row(*(Text(cell) for cell in _cells(app)))
    return Group(table, line)


def _look(home: Path, app: str) -> AppStatus:
    state, events, players, quarantined, last = "ready", None, None, None, None
    try:
        with open_warehouse(home, app, read_only=True) as warehouse:
            events, players, quarantined = (_count(warehouse, name) for name in ("events", "players", "quarantine"))
            last = warehouse.value("SELECT max(occurred_at) FROM events")
    except BusyError:
        state = "busy"
    except NightquestError as error:
        state = error.message
    as_of, revision = _newest_night(home, app)
    return AppStatus(app, state, events, players, quarantined, last, as_of, revision)


def _newest_night(home: Path, app: str) -> tuple[dt.date | None, int | None]:
    try:
        manifest = read_latest(home, app).manifest
    except NightquestError:
        return None, None
    return manifest.as_of, manifest.revision


def _count(warehouse: Warehouse, table: str) -> int:
    return int(warehouse.value(f"SELECT count(*) FROM {table}"))


def _cells(app: AppStatus) -> list[str]:
    counts = ["" if count is None else f"{count:,}" for count in (app.events, app.players, app.quarantined)]
    last = "" if app.last_event_at is None else f"{app.last_event_at:%Y-%m-%d %H:%M} UTC"
    night = "none" if app.as_of is None else f"{app.as_of}, revision {app.revision}"
    return [app.app, app.state, *counts, last, night]
