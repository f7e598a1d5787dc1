"""A night's pins: what it serves, what it may look at, and which code and app file made it."""

import datetime as dt
import zlib
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from data.warehouse import Warehouse


@dataclass(frozen=True)
class Night:
    """One night of one app. A rerun uses the same pins; `refresh` makes a new revision.

    Attributes:
        as_of: The local day that the night serves; inputs have an earlier day.
        cut: Nothing that became available later is read.
        base_day: Features rest on days before this one: the first day that was not over at the cut.
        watermark: Events in the warehouse when the night was pinned.
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

    @property
    def lead_days(self) -> int:
        """Days between the end of what is known and the first day served."""
        return (self.as_of - self.base_day).days


_PINS = ("as_of", "revision", "cut", "base_day", "seed", "started_at", "code_version", "app_hash", "watermark")


def day_start(app: App, day: dt.date) -> dt.datetime:
    """The moment an app's local day begins, in UTC."""
    wall = dt.datetime.combine(day, dt.time()) + app.day_shift
    return wall.replace(tzinfo=ZoneInfo(app.timezone)).astimezone(dt.UTC)


def local_day(app: App, moment: dt.datetime) -> dt.date:
    """The app's local day at a moment."""
    return (moment.astimezone(ZoneInfo(app.timezone)).replace(tzinfo=None) - app.day_shift).date()


def running_days(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """player_key and running_day: the first of the player's local days that was not over at the night's cut."""
    app = night.app
    limits = {"as_of": night.as_of, "cut": night.cut, "zone": app.timezone, "shift": app.day_shift}
    return warehouse.frame(warehouse.fixed("running_days"), limits)


def next_served_day(app: App, now: dt.datetime) -> dt.date:
    """The first local day of the app that starts at or after `now`: what a night started now serves."""
    today = local_day(app, now)
    return today if day_start(app, today) >= now else today + dt.timedelta(days=1)


def pin_night(
    warehouse: Warehouse,
    app: App,
    app_hash: str,
    as_of: dt.date | None,
    now: dt.datetime,
    code_version: str,
    *,
    refresh: bool = False,
) -> Night:
    """Find the night's pins, or make them and write them down.

    A night in the past is cut at its own start, so that it sees what was known then; a night of today or later is cut
    now. What players in other zones did between the app's day start and their own is a later night's input.

    Raises:
        NightquestError: There is no activity before `as_of`.
    """
    as_of = as_of or next_served_day(app, now)
    row = warehouse.frame("SELECT * FROM nights WHERE as_of = $d ORDER BY revision DESC LIMIT 1", {"d": as_of})
    if row.height and not refresh:
        return _from_row(app, row.row(0, named=True))
    night = make_night(warehouse, app, as_of, now, app_hash=app_hash, code_version=code_version)
    night = replace(night, revision=row["revision"][0] + 1 if row.height else 1)
    warehouse.append(
        "nights",
        pl.DataFrame([{name: getattr(night, name) for name in _PINS}]).with_columns(status=pl.lit("pinned")),
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
    warehouse: Warehouse, app: App, as_of: dt.date, now: dt.datetime, *, app_hash: str = "", code_version: str = ""
) -> Night:
    """A night's pins, not written down: what `pin_night` would pin, for replaying the past.

    Raises:
        NightquestError: There is no activity before `as_of`.
    """
    cut = min(now, day_start(app, as_of))
    base_day = min(as_of, local_day(app, cut))
    first = warehouse.value("SELECT min(day) FROM events WHERE available_at <= $cut", {"cut": cut})
    if first is None or first >= base_day:
        known = f"the first known day is {first}" if first else "nothing was known by then"
        raise NightquestError(
            f"There is no activity of '{app.app}' before {as_of}: {known}.",
            "Choose a later --as-of, or ingest earlier activity (--history for past data).",
        )
    return Night(
        app=app,
        as_of=as_of,
        revision=1,
        cut=cut,
        base_day=base_day,
        seed=zlib.crc32(f"{app.app}:{as_of}".encode()),
        started_at=now,
        code_version=code_version,
        app_hash=app_hash,
        watermark=int(warehouse.value("SELECT count(*) FROM events")),
    )


def _from_row(app: App, row: dict[str, object]) -> Night:
    return Night(app=app, **{name: row[name] for name in _PINS})  # type: ignore[arg-type]
