"""A player's local days follow the app file: editing its clock counts them anew."""

import datetime as dt
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from configs.app import App
from data.warehouse import Warehouse, scratch
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics
from pipelines.known import Known
from pipelines.pins import pin_night
from tests.factories import make_app
from tests.pipelines.badges.rules.awards import app_with, award_badges, cite, publish

NOW = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
MONDAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
TABLES = ("events", "player_days", "player_day_keys", "active_days", "derived_events", "metrics", "day_rule")


def deliveries(folder: Path) -> tuple[Path, Path]:
    """Players 0 and 1 have zones, 1 moves; 2 has none. Each solves something every 5 hours and is liked for it."""
    players, events = folder / "players.parquet", folder / "events.parquet"
    moved = MONDAY + dt.timedelta(days=5)
    pl.DataFrame(
        [
            {"user_id": "0", "recorded_at": MONDAY, "timezone": "Asia/Tokyo"},
            {"user_id": "1", "recorded_at": MONDAY, "timezone": "Europe/Berlin"},
            {"user_id": "1", "recorded_at": moved, "timezone": "America/New_York"},
        ]
    ).write_parquet(players)
    rows = [
        {
            "event_id": f"{player}-{name}-{nth}",
            "user_id": str(player),
            "event": name,
            "occurred_at": MONDAY + dt.timedelta(hours=5 * nth + player),
            "properties": pattern % (1 + nth % 4),
        }
        for player in range(3)
        for nth in range(60)
        for name, pattern in {
            "solve": '{"points": %d, "topic": "a"}',
            "liked": '{"delta": 1, "post_id": "p%d"}',
        }.items()
        if nth % 7 or player
    ]
    pl.DataFrame(rows).write_parquet(events)
    return players, events


def ingested(warehouse: Warehouse, app: App, folder: Path) -> None:
    players, events = deliveries(folder)
    ingest_files(warehouse, app, [players], now=NOW, history=True, players=True)
    ingest_files(warehouse, app, [events], now=NOW, history=True)


def held(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    return {table: warehouse.frame(f"SELECT * FROM {table} ORDER BY ALL").rows() for table in TABLES}


@pytest.mark.parametrize(
    "edit",
    [
        {"timezone": "Pacific/Auckland"},
        {"day_starts_at": "04:30"},
        {"timezone": "America/Los_Angeles", "day_starts_at": "03:00", "cohorts": {"by": ["topic"]}},
    ],
    ids=["timezone", "day_starts_at", "both and a metric's cohorts"],
)
def test_an_edited_clock_leaves_what_a_fresh_ingest_under_the_new_file_gives(
    tmp_path: Path, edit: dict[str, Any]
) -> None:
    after = make_app(**edit)
    with ExitStack() as stack:
        edited, fresh = (stack.enter_context(scratch()) for _ in range(2))
        ingested(edited, make_app(), tmp_path)
        before = held(edited)
        assert sync_metrics(edited, after) is True
        ingested(fresh, after, tmp_path)
        assert held(edited) == held(fresh)
        assert held(edited)["active_days"] != before["active_days"]
        assert sync_metrics(edited, after) is False


def test_days_counted_before_the_rule_was_kept_are_counted_once_more(tmp_path: Path) -> None:
    with scratch() as warehouse:
        ingested(warehouse, make_app(), tmp_path)
        whole = held(warehouse)
        warehouse.run("DELETE FROM day_rule")
        warehouse.run("UPDATE events SET day = day - 1")
        assert sync_metrics(warehouse, make_app()) is True
        assert held(warehouse) == whole


def test_a_count_that_fails_leaves_days_and_their_rule_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the machine died")

    with scratch() as warehouse:
        ingested(warehouse, make_app(), tmp_path)
        before = held(warehouse)
        monkeypatch.setattr("pipelines.activity.parts.refresh_parts", fail)
        with pytest.raises(RuntimeError, match="died"):
            sync_metrics(warehouse, make_app(timezone="Asia/Tokyo"))
        assert held(warehouse) == before


def test_zones_that_come_after_the_events_move_them_to_the_days_that_they_would_have_had(tmp_path: Path) -> None:
    players, events = deliveries(tmp_path)
    with ExitStack() as stack:
        late, on_time = (stack.enter_context(scratch()) for _ in range(2))
        ingested(on_time, make_app(), tmp_path)
        ingest_files(late, make_app(), [events], now=NOW, history=True)
        assert held(late)["active_days"] != held(on_time)["active_days"]
        moved = ingest_files(late, make_app(), [players], now=NOW, history=True, players=True)
        for warehouse in (late, on_time):
            warehouse.run("UPDATE events SET delivery_id = 'any'")
        assert held(late) == held(on_time)
        assert moved.touched > 0
        again = ingest_files(late, make_app(), [players], now=NOW, history=True, players=True)
        assert again.touched == 0


def test_a_streak_that_a_late_zone_mends_is_paid_at_the_next_night(tmp_path: Path) -> None:
    app = app_with(run="streak >= 3")
    times = ("2024-01-01T23:30:00Z", "2024-01-03T00:30:00Z", "2024-01-04T00:30:00Z")
    rows = [{"user_id": "ann", "event": "solve", "occurred_at": dt.datetime.fromisoformat(at)} for at in times]
    pl.DataFrame(rows).write_parquet(tmp_path / "events.parquet")
    zone = {"user_id": "ann", "recorded_at": MONDAY, "timezone": "America/New_York"}
    pl.DataFrame([zone]).write_parquet(tmp_path / "players.parquet")
    with scratch() as warehouse:
        for day, name in ((6, "events"), (7, "players")):
            cut = MONDAY + dt.timedelta(days=day)
            before = cut - dt.timedelta(hours=1)
            files = [tmp_path / f"{name}.parquet"]
            ingest_files(warehouse, app, files, now=before, history=False, players=name == "players")
            night = pin_night(warehouse, app, "hash", cut.date(), cut, "code", file_hash="file")
            assert award_badges(Known(warehouse, night), cite).height == (name == "players")
            publish(warehouse, night)
