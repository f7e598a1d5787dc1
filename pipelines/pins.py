"""A night's pins: what it serves, what it may look at, and which code and app file made it."""

import datetime as dt
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from data import zones
from data.warehouse import Warehouse
from pipelines.activity.freshness import (
    Silence,
    find_silences,
    from_json,
    is_stale,
    known_whole_until,
    to_json,
)
from pipelines.activity.local_days import day_rule

GRACE = dt.timedelta(hours=3)


@dataclass(frozen=True)
class Night:
    """One night of one app. A rerun uses the same pins; `refresh` makes a new revision.

    Attributes:
        as_of: The local day that the night serves; inputs have an earlier day.
        cut: Nothing that became available later is read.
        base_day: Features rest on days before this one: the first day that was not over at the cut, or the first silent
            day where the input fell silent before.
        watermark: Events in the warehouse when the night was pinned.
        grace: A day that began no longer than this before the cut is still served.
        late: Later nights were out already when it was made.
        issues: It makes promises and pays; otherwise it is made to be looked at, and moves no ledger.
        silences: Stretches before the day of its making of which nothing is known, oldest first.
        stale: The newest input was older than it uses to be at this hour.
        app_hash: Of the app file and of all that was wished beyond it.
        file_hash: Of the app file alone.
    """

    app: App
    as_of: dt.date
    revision: int
    cut: dt.datetime
    base_day: dt.date
    seed: int
    started_at: dt.datetime
    code_version: str
    app_hash: str
    watermark: int
    grace: dt.timedelta = GRACE
    late: bool = False
    issues: bool = True
    silences: tuple[Silence, ...] = ()
    stale: bool = False
    file_hash: str = ""

    @property
    def lead_days(self) -> int:
        """Days between the end of what is known and the first day served."""
        return (self.as_of - self.base_day).days

    @property
    def silent_from(self) -> dt.date | None:
        """The first day of the newest silence, when the input is stale."""
        return self.silences[-1].first_day if self.stale else None


_PINS = (
    *("as_of", "revision", "cut", "base_day", "seed", "started_at", "code_version", "app_hash", "watermark"),
    *("late", "issues", "stale", "file_hash"),
)
OUT = ("published", "unissued")


def day_start(app: App, day: dt.date) -> dt.datetime:
    """The moment an app's local day begins, in UTC; where the clock skips its start, with the skip."""
    return zones.day_start(app.timezone, day, app.day_shift)


def local_day(app: App, moment: dt.datetime) -> dt.date:
    """The app's local day at a moment."""
    return zones.local_day(app.timezone, moment, app.day_shift)


def accept_silence(
    warehouse: Warehouse, app: App, as_of: dt.date, now: dt.datetime, grace: dt.timedelta = GRACE
) -> bool:
    """Write down that a person says: the app was truly silent on the days without events that a night would doubt.

    Returns:
        Whether there was any doubt.
    """
    doubted = make_night(warehouse, app, as_of, now, grace).silences
    rows = [{"first_day": each.first_day, "last_day": each.last_day, "said_at": now} for each in doubted]
    return bool(rows) and warehouse.append("quiet_days", pl.DataFrame(rows)) > 0


def next_served_day(app: App, now: dt.datetime, grace: dt.timedelta = GRACE) -> dt.date:
    """What a night started now serves: the day that began no longer ago than the grace, else the next to begin."""
    return zones.next_served_day(app.timezone, now, grace, app.day_shift)


def pin_night(
    warehouse: Warehouse,
    app: App,
    app_hash: str,
    as_of: dt.date | None,
    now: dt.datetime,
    code_version: str,
    *,
    refresh: bool = False,
    grace: dt.timedelta = GRACE,
    issue: bool = False,
    placed: Collection[tuple[dt.date, int]] = (),
    file_hash: str = "",
) -> Night:
    """Find the night's pins, or make them and write them down.

    The data are pinned once; a night that is not out yet is of the app file and the code that go on with it, see
    `file_for`. Without a `file_hash` nothing was wished beyond the app file.

    A night that is made when later ones are out already is late: players have read the later ones, so it issues and
    pays nothing unless `issue` says that it shall. One that went out unissued is issued as a new revision. `placed` are
    the nights (as_of, revision) whose folder lies where readers look.

    A night whose day began longer ago than the grace is cut at its own start, so that it sees what was known then; any
    other is cut now. What players in other zones did between the app's day start and their own is a later night's
    input.

    Raises:
        NightquestError: There is no activity before `as_of`.
    """
    as_of = as_of or next_served_day(app, now, grace)
    late, made_of = later_night(warehouse, as_of) is not None, file_hash or app_hash
    if known := known_night(warehouse, as_of, refresh=refresh, issue=issue):
        if known["status"] in OUT or (as_of, known["revision"]) in placed:
            return replace(_from_row(app, known), grace=grace)
        night = _found(warehouse, app, known, late=late, issue=issue)
        return replace(night, grace=grace, app_hash=app_hash, file_hash=made_of, code_version=code_version)
    night = make_night(warehouse, app, as_of, now, grace, app_hash=app_hash, code_version=code_version)
    revision = 1 + int(warehouse.value("SELECT coalesce(max(revision), 0) FROM nights WHERE as_of = $d", {"d": as_of}))
    night = replace(night, revision=revision, late=late, issues=issue or not late, file_hash=made_of)
    pins = {name: getattr(night, name) for name in _PINS} | {"silent": to_json(night.silences), "status": "pinned"}
    pins |= {"day_rule": day_rule(app)}
    warehouse.append("nights", pl.DataFrame([pins]))
    return night


def known_night(
    warehouse: Warehouse, as_of: dt.date, *, refresh: bool = False, issue: bool = False
) -> dict[str, Any] | None:
    """The row of the night that a run for a day goes on with; None where it makes a new one.

    A night is made anew by `refresh`, and by `issue` when it went out unissued.
    """
    row = warehouse.frame("SELECT * FROM nights WHERE as_of = $d ORDER BY revision DESC LIMIT 1", {"d": as_of})
    known = row.row(0, named=True) if row.height else None
    return None if known is None or refresh or (issue and known["status"] == "unissued") else known


def mark_placed(warehouse: Warehouse, placed: Collection[tuple[dt.date, int]], before: dt.date) -> None:
    """Mark earlier nights as published whose folders readers have, though a kill kept their run from noting that."""
    rows = pl.DataFrame(placed, schema={"as_of": pl.Date, "revision": pl.Int32}, orient="row")
    with warehouse.lend(placed=rows):
        warehouse.run(
            """UPDATE nights
               SET status = CASE WHEN issues THEN 'published' ELSE 'unissued' END, published_at = started_at
               WHERE status = 'planned' AND as_of < $before
                 AND (as_of, revision) IN (SELECT as_of, revision FROM placed)""",
            {"before": before},
        )


def later_night(warehouse: Warehouse, as_of: dt.date) -> dt.date | None:
    """The newest day after `as_of` whose night was issued, or None."""
    newest: dt.date | None = warehouse.value(
        "SELECT max(as_of) FROM nights WHERE status = 'published' AND as_of > $d", {"d": as_of}
    )
    return newest


def is_out(warehouse: Warehouse, day: dt.date) -> bool:
    """Whether the night of a day was issued."""
    return bool(warehouse.value("SELECT count(*) FROM nights WHERE status = 'published' AND as_of = $d", {"d": day}))


def missed_days(warehouse: Warehouse, as_of: dt.date) -> list[dt.date]:
    """The days between the newest night that was issued and `as_of`, oldest first; none before a first night."""
    newest: dt.date | None = warehouse.value("SELECT max(as_of) FROM nights WHERE status = 'published'")
    if newest is None:
        return []
    return [newest + dt.timedelta(days=n) for n in range(1, (as_of - newest).days)]


def _found(warehouse: Warehouse, app: App, row: Mapping[str, object], *, late: bool, issue: bool) -> Night:
    """The pins of a known night; one that never went out may have been overtaken since."""
    night = _from_row(app, row)
    if (night.late, night.issues) == (late, issue or not late):
        return night
    night = replace(night, late=late, issues=issue or not late)
    warehouse.run(
        "UPDATE nights SET late = $late, issues = $issues WHERE as_of = $d AND revision = $r",
        {"late": night.late, "issues": night.issues, "d": night.as_of, "r": night.revision},
    )
    return night


def find_night(warehouse: Warehouse, app: App, until: dt.date | None = None) -> Night | None:
    """The pins of the newest night that went out, up to a day; None when there is none."""
    row = warehouse.frame(
        """SELECT * FROM nights WHERE status = 'published' AND as_of <= coalesce($until, as_of)
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"until": until},
    )
    return _from_row(app, row.row(0, named=True)) if row.height else None


def make_night(
    warehouse: Warehouse,
    app: App,
    as_of: dt.date,
    now: dt.datetime,
    grace: dt.timedelta = GRACE,
    *,
    app_hash: str = "",
    code_version: str = "",
) -> Night:
    """A night's pins, not written down: what `pin_night` would pin, for replaying the past.

    Raises:
        NightquestError: There is no activity before `as_of`.
    """
    begins = day_start(app, as_of)
    cut = now if now <= begins + grace else begins
    base_day = min(as_of, local_day(app, cut))
    first = warehouse.value("SELECT min(day) FROM events_at($cut)", {"cut": cut})
    if first is None or first >= base_day:
        known = f"the first known day is {first}" if first else "nothing was known by then"
        raise NightquestError(
            f"There is no activity of '{app.app}' before {as_of}: {known}.",
            "Choose a later --as-of, or ingest earlier activity (--history for past data).",
        )
    _require_players(warehouse, app, as_of, cut, base_day)
    silences = find_silences(warehouse, app, cut, base_day, now)
    stale = is_stale(warehouse, app, silences, cut, base_day)
    return Night(
        app=app,
        as_of=as_of,
        revision=1,
        cut=cut,
        base_day=known_whole_until(silences, base_day, stale=stale),
        seed=zlib.crc32(f"{app.app}:{as_of}".encode()),
        started_at=now,
        code_version=code_version,
        app_hash=app_hash,
        watermark=int(warehouse.value("SELECT count(*) FROM events")),
        grace=grace,
        silences=silences,
        stale=stale,
    )


def _require_players(warehouse: Warehouse, app: App, as_of: dt.date, cut: dt.datetime, base_day: dt.date) -> None:
    """Refuse a night for which nobody is known to play any more: it would be an empty one."""
    last = warehouse.value(
        "SELECT max(day) FROM events_at($cut) WHERE active AND day < $base_day",
        {"cut": cut, "base_day": base_day},
    )
    within = app.challenges.active_within_days
    if last is None or last < base_day - dt.timedelta(days=within):
        known = f"the last known play is of {last}" if last else "no play is known by then"
        raise NightquestError(
            f"Nobody played '{app.app}' in the {within} days before {base_day}: {known}. "
            f"A night of {as_of} would be empty.",
            "Ingest what is missing, or give a day soon after the last play with --as-of.",
        )


def _from_row(app: App, row: Mapping[str, object]) -> Night:
    silent = from_json(row["silent"])  # type: ignore[arg-type]
    row = {**row, "file_hash": row["file_hash"] or row["app_hash"]}
    return Night(app=app, silences=silent, **{name: row[name] for name in _PINS})  # type: ignore[arg-type]
