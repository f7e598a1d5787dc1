"""What there is under a home folder: each app's data, its nights, who works on it and what is wrong."""

import datetime as dt
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from configs.commands import command
from configs.errors import BusyError, NightquestError
from configs.nouns import counted
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from data.zones import next_served_day
from flows.clock import clock
from flows.server.note import Serving, find_serving, serving_faults
from pipelines.activity.drifts import drift_since
from pipelines.activity.retract import retraction_fates
from pipelines.publish.health import Fault, apps_under, pointer_fault, registry_fault, to_review, warehouse_fault
from pipelines.publish.outbox import undelivered
from pipelines.publish.published import published_nights
from pipelines.publish.sinks import chosen_for

_SEEN = (
    "events",
    "players",
    "quarantined",
    "last_event_at",
    "next_as_of",
    "last_run_at",
    "retracted",
    "waiting",
    "drift",
)
_FRESH = dt.timedelta(hours=1)
_NO_TABLE = duckdb.CatalogException  # one that an older warehouse gets only when it is next written to


@dataclass(frozen=True)
class AppStatus:
    """One app's state. What a busy or damaged warehouse cannot tell is None.

    Attributes:
        state: 'ready', 'busy', 'faulty' when something is wrong with its files, or since when input is missing.
        busy: Which process works on it, since when.
        last_event_at: When the newest event occurred.
        next_as_of: The day that a night started now serves.
        last_run_at: When the newest night was started.
        undelivered: A sentence for each destination of its nights that lacks some.
        next_run_at: When `serve` starts the next night; None when it does not run or has none planned.
        to_review: The models that wait until a person has reviewed them.
        retracted: Events that were taken back.
        waiting: Retractions whose event has not come.
        drift: How deliveries since the newest night differ from those before.
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
    next_as_of: dt.date | None
    last_run_at: dt.datetime | None
    next_run_at: dt.datetime | None
    undelivered: list[str]
    faults: list[Fault]
    to_review: list[str] = field(default_factory=list)
    retracted: int | None = None
    waiting: int | None = None
    drift: list[str] | None = None


@dataclass(frozen=True)
class _Rule:
    """How a warehouse counts days: the app's file need not be there."""

    timezone: str
    day_shift: dt.timedelta


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
    apps = [_look(settings, app, serving, clock()) for app in apps_under(home)]
    return Status(home, serving, apps, list(serving_faults(home)))


def _look(settings: Settings, app: str, serving: Serving | None, now: dt.datetime) -> AppStatus:
    home, busy, seen, lacking = settings.home, None, dict[str, object](), list[str]()
    with suppress(NightquestError, duckdb.Error):  # told as a fault below
        try:
            with open_warehouse(home, app, read_only=True) as warehouse:
                seen = _seen(warehouse, settings.day_grace, now)
                lacking = _lacking(warehouse, settings, app)
        except BusyError as error:
            busy = error.message
    found = [pointer_fault(home, app), None if busy else warehouse_fault(home, app, deep=False)]
    found += [registry_fault(home, app)] if settings.mlflow_uri is None else []
    faults = [fault for fault in found if fault]
    newest = published_nights(home, app)
    return AppStatus(
        app=app,
        state="busy" if busy else "faulty" if faults else str(seen.get("state", "ready")),
        busy=busy,
        **{name: seen.get(name) for name in _SEEN},  # type: ignore[arg-type]
        as_of=newest[-1][0] if newest else None,
        revision=newest[-1][1] if newest else None,
        next_run_at=_next_run(home, app) if serving else None,
        undelivered=lacking,
        faults=faults,
        to_review=to_review(home, app),
    )


def _lacking(warehouse: Warehouse, settings: Settings, app: str) -> list[str]:
    """What the app's destinations still lack, with how to try again."""
    if not (chosen := chosen_for(app, settings.sinks)):
        return []
    with suppress(_NO_TABLE):
        return [
            f"{sink} lacks {counted(count, 'night')} since {first}. {error or 'Not tried yet.'} "
            f"Try again: {command('deliver', app=app)}"
            for sink, count, first, error in undelivered(warehouse, chosen)
        ]
    return []


def _freshness(warehouse: Warehouse, rule: _Rule, last: object, now: dt.datetime) -> str:
    """Stale when events are missing that should have come by now; what came within an hour needs no look."""
    if isinstance(last, dt.datetime) and now - last < _FRESH:
        return "ready"
    from pipelines.activity.freshness import missing_from  # it loads numpy

    missing = missing_from(warehouse, rule, now)
    return f"stale: input is missing from {missing} on" if missing else "ready"


def _seen(warehouse: Warehouse, grace: dt.timedelta, now: dt.datetime) -> dict[str, object]:
    tables = {"events": "events", "players": "players", "quarantined": "quarantine"}
    counts = {name: int(warehouse.value(f"SELECT count(*) FROM {table}")) for name, table in tables.items()}
    with suppress(_NO_TABLE):
        counts["retracted"] = int(warehouse.value("SELECT count(*) FROM retracted_events"))
        counts["waiting"] = retraction_fates(warehouse).get("waits", 0)
    last = {"last_event_at": "max(occurred_at) FROM events", "last_run_at": "max(started_at) FROM nights"}
    seen = counts | {name: warehouse.value(f"SELECT {what}") for name, what in last.items()}
    with suppress(_NO_TABLE):
        for zone, minutes in warehouse.rows("SELECT timezone, day_starts_min FROM day_rule"):
            rule = _Rule(zone, dt.timedelta(minutes=minutes))
            seen["next_as_of"] = next_served_day(zone, now, grace, rule.day_shift)
            seen["state"] = _freshness(warehouse, rule, seen["last_event_at"], now)
    with suppress(_NO_TABLE):
        since = warehouse.value("SELECT max(cut) FROM nights WHERE status = 'published'")
        seen["drift"] = drift_since(warehouse, since, now)
    return seen


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
