"""What there is under a home folder: each app's data, its nights, who works on it and what is wrong."""

import datetime as dt
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.errors import BusyError, NightquestError
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from flows.console import note
from flows.serving import Serving, find_serving, serving_faults
from pipelines.health import Fault, apps_under, pointer_fault, registry_fault, warehouse_fault
from pipelines.publish.published import published_nights, read_manifest


@dataclass(frozen=True)
class AppStatus:
    """One app's state. What a busy or damaged warehouse cannot tell is None.

    Attributes:
        state: 'ready', 'busy', 'faulty' when something is wrong with its files, or since when its input is missing.
        busy: Which process works on it, since when.
        last_event_at: When the newest event occurred.
        last_run_at: When the newest night was started.
        next_run_at: When `serve` starts the next night; None when it does not run or has none planned.
    """

    app: str
    state: str
    busy: str | None
    events: int | None
    players: int | None
    quarantined: int | None
    last_event_at: dt.datetime | None
    as_of: dt.date | None
    revision: int | None
    last_run_at: dt.datetime | None
    next_run_at: dt.datetime | None
    faults: list[Fault]


@dataclass(frozen=True)
class Status:
    """Everything under one home folder; `faults` are those of no single app."""

    home: Path
    serving: Serving | None
    apps: list[AppStatus]
    faults: list[Fault]

    @property
    def every_fault(self) -> list[Fault]:
        """All that is wrong."""
        return [*self.faults, *(fault for app in self.apps for fault in app.faults)]


def gather_status(settings: Settings) -> Status:
    """Look at every app that has data or published nights."""
    home, serving = settings.home, find_serving(settings.home)
    apps = [_look(settings, app, serving) for app in apps_under(home)]
    return Status(home, serving, apps, list(serving_faults(home)))


def status_view(status: Status) -> RenderableType:
    """For people."""
    serving = status.serving
    line = f"Serving: Prefect {serving.prefect_url}, MLflow {serving.mlflow_url}" if serving else "Not serving."
    faults = [note(f"{fault.message} {fault.remedy}", "") for fault in status.every_fault]
    if not status.apps:
        return Group(note(f"Nothing under {status.home} yet. Try: {command('demo')}", ""), line, *faults)
    table = Table(box=box.SIMPLE_HEAD, header_style="dim")
    for name in (
        "app",
        "state",
        "events",
        "players",
        "refused rows",
        "last event",
        "newest night",
        "last run",
        "next run",
    ):
        table.add_column(name)
    for app in status.apps:
        table.add_row(*(Text(cell) for cell in _cells(app)))
    return Group(table, *(Text(app.busy) for app in status.apps if app.busy), line, *faults)


def _look(settings: Settings, app: str, serving: Serving | None) -> AppStatus:
    home, busy, seen = settings.home, None, dict[str, object]()
    with suppress(NightquestError, duckdb.Error):  # told as a fault below
        try:
            with open_warehouse(home, app, read_only=True) as warehouse:
                seen = _seen(warehouse)
        except BusyError as error:
            busy = error.message
    found = [pointer_fault(home, app), None if busy else warehouse_fault(home, app, deep=False)]
    found += [registry_fault(home, app)] if settings.mlflow_uri is None else []
    faults = [fault for fault in found if fault]
    newest = published_nights(home, app)
    return AppStatus(
        app=app,
        state="busy" if busy else "faulty" if faults else _input_state(newest[-1:], seen.get("last_event_at")),
        busy=busy,
        **{name: seen.get(name) for name in ("events", "players", "quarantined", "last_event_at", "last_run_at")},  # type: ignore[arg-type]
        as_of=newest[-1][0] if newest else None,
        revision=newest[-1][1] if newest else None,
        next_run_at=_next_run(home, app) if serving else None,
        faults=faults,
    )


def _input_state(newest: list[tuple[dt.date, int, Path]], last: object) -> str:
    """Stale when the newest night missed days and nothing came in for them since."""
    for *_, folder in newest:
        with suppress(NightquestError):
            missed = read_manifest(folder).silent_from
            if missed is not None and isinstance(last, dt.datetime) and last.date() <= missed:
                return f"stale: input is missing from {missed} on"
    return "ready"


def _seen(warehouse: Warehouse) -> dict[str, object]:
    tables = {"events": "events", "players": "players", "quarantined": "quarantine"}
    counts = {name: int(warehouse.value(f"SELECT count(*) FROM {table}")) for name, table in tables.items()}
    last = {"last_event_at": "max(occurred_at) FROM events", "last_run_at": "max(started_at) FROM nights"}
    return counts | {name: warehouse.value(f"SELECT {what}") for name, what in last.items()}


def _next_run(home: Path, app: str) -> dt.datetime | None:
    """As Prefect has planned it; its database is read, since its client takes seconds to import."""
    store = home / "prefect" / "prefect.db"
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        (planned,) = con.execute(
            """SELECT min(run.expected_start_time) FROM flow_run run
               JOIN deployment ON deployment.id = run.deployment_id JOIN flow ON flow.id = run.flow_id
               WHERE run.state_type = 'SCHEDULED' AND flow.name = 'nightly' AND deployment.name = ?""",
            (app,),
        ).fetchone()
        if planned:
            moment = dt.datetime.fromisoformat(planned)
            return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return None


def _cells(app: AppStatus) -> list[str]:
    counts = ["" if count is None else f"{count:,}" for count in (app.events, app.players, app.quarantined)]
    night = "none" if app.as_of is None else f"{app.as_of}, revision {app.revision}"
    return [
        app.app,
        app.state,
        *counts,
        _moment(app.last_event_at),
        night,
        *map(_moment, (app.last_run_at, app.next_run_at)),
    ]


def _moment(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
