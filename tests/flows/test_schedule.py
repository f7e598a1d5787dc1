"""When the schedule starts nights, by the dates that Prefect plans: soon after the app's day began, in every zone."""

import asyncio
import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from prefect.server.schemas.schedules import CronSchedule

from configs.loader import load_app
from configs.settings import Settings
from flows.deployments import deployments
from pipelines.pins import day_start, local_day
from tests.flows.world import write_app

STARTS = ("00:00", "04:00", "12:30", "23:00")
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Africa/Cairo"),
    *("Atlantic/Azores", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "Antarctica/Troll"),
)
GRACE = Settings().day_grace
# Where the clock skips the hour itself, Prefect starts early: at the day's start at the earliest.
FIRST, DAYS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 380  # both changes, on both halves of the earth


def planned(deployment):
    """The starts that Prefect plans for a deployment around each change of its clocks, in UTC, and its schedule."""
    (schedule,) = deployment.schedules
    cron = CronSchedule(cron=schedule.schedule.cron, timezone=schedule.schedule.timezone)
    starts = [date.astimezone(dt.UTC) for date in asyncio.run(cron.get_dates(DAYS, FIRST))]
    zone = ZoneInfo(schedule.schedule.timezone)
    changed = [
        n for n in range(1, DAYS) if len({one.astimezone(zone).utcoffset() for one in starts[n - 1 : n + 1]}) > 1
    ]
    return [starts[max(n - 2, 0) : n + 3] for n in (changed or [10])], schedule


def nightly_of(app, grace_h=3.0):
    (found,) = [one for one in deployments([str(app)], grace_h) if one.flow_name.startswith("nightly")]
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("starts_at", STARTS)
def test_every_scheduled_night_starts_within_the_grace_after_its_days_start(tmp_path, zone, starts_at):
    path = write_app(tmp_path, timezone=zone, day_starts_at=starts_at)
    app = load_app(str(path)).app
    spans, schedule = planned(nightly_of(path))
    assert schedule.parameters == {"scheduled": True}
    for starts in spans:
        days = [local_day(app, start) for start in starts]
        after = [start - day_start(app, day) for start, day in zip(starts, days, strict=True)]
        assert all(dt.timedelta(0) <= late <= GRACE for late in after), after
        assert {b - a for a, b in itertools.pairwise(days)} == {dt.timedelta(days=1)}  # none twice, none left out


@pytest.mark.parametrize("grace_h", [0.5, 1.0, 12.0])
def test_a_shorter_grace_brings_the_nights_nearer_to_the_days_start(tmp_path, grace_h):
    path = write_app(tmp_path, timezone="Europe/Berlin", day_starts_at="04:00")
    app, grace = load_app(str(path)).app, dt.timedelta(hours=grace_h)
    (starts, *_), _ = planned(nightly_of(path, grace_h))
    assert all(dt.timedelta(0) < start - day_start(app, local_day(app, start)) <= grace for start in starts)


def test_a_run_by_hand_of_the_deployment_is_not_a_scheduled_one(tmp_path):
    deployment = nightly_of(write_app(tmp_path))
    assert "scheduled" not in deployment.parameters


def test_batches_are_collected_before_the_night_of_every_zone(tmp_path):
    zones = ("Pacific/Auckland", "America/Los_Angeles", "Europe/Berlin", "Europe/Berlin")
    content = {"mode": "batch"}
    apps = []
    for number, zone in enumerate(zones):
        (tmp_path / str(number)).mkdir()
        apps.append(write_app(tmp_path / str(number), app=f"app_{number}", timezone=zone, content=content))
    (collect,) = [one for one in deployments([str(app) for app in apps], 3.0) if one.flow_name == "collect"]
    assert collect.name == "all apps"
    assert [each.schedule.timezone for each in collect.schedules] == list(dict.fromkeys(zones))
    for app, zone in zip(apps, zones, strict=True):
        (nightly,) = nightly_of(app).schedules
        (mine,) = [each.schedule for each in collect.schedules if each.schedule.timezone == zone]
        early, night = (dt.time(*map(int, reversed(cron.split()[:2]))) for cron in (mine.cron, nightly.schedule.cron))
        assert early < night


def test_an_app_that_pulls_does_so_half_an_hour_before_its_night_and_no_other_is_offered_it(tmp_path):
    pulls = {"events": {"dsn": "SHOP", "select": "SELECT 1", "watermark": "id"}}
    path = write_app(tmp_path, timezone="Europe/Berlin", day_starts_at="04:00", pulls=pulls)
    found = [one for one in deployments([str(path), "trading"], 3.0) if one.flow_name == "pull"]
    assert [(one.name, one.schedules[0].schedule.cron) for one in found] == [("puzzles", "30 5 * * *")]
