"""Streaks over travel, summer time, late and retracted events, pauses, rest days, freezes: none lost or invented."""

import datetime as dt
import json
import random
from pathlib import Path

import polars as pl
import pytest

from configs.app import App
from configs.calendar import Streaks
from data.warehouse import Warehouse, scratch
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import refresh_parts
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.pins import find_night, pin_night
from pipelines.players.features import compute_features
from pipelines.windows import window_values
from tests.factories import make_app
from tests.pipelines.activity.calendars import DAYS, FIRST, Player, make_player, streaks
from tests.pipelines.badges.rules.awards import award_badges, cite, publish

PLAYERS, DAY = 2_000, dt.timedelta(days=1)
NIGHTS = tuple((FIRST + n * DAY).date() for n in (25, DAYS + 21))
WAITS = (dt.timedelta(0), dt.timedelta(0), dt.timedelta(hours=5), 3 * DAY, 20 * DAY)
APP = make_app(
    timezone="Europe/Lisbon",
    day_starts_at="04:00",
    metrics={
        "solved": {"event": "solve", "task": "Solve {goal}", "unit": "puzzle"},
        "run": {"agg": "streak", "event": "solve", "unit": "day"},
    },
    segments={"features": ["solved", "run"], "score": "solved"},
    challenges={"metrics": ["solved"]},
    calendar=[{"title": "Easter", "kind": "holiday", "on": "2019-03-29", "until": "2019-04-01", "every": "year"}],
    badges={
        name: {"title": name, "tier": "bronze", "category": "habit", "when": f"run >= {days}"}
        for name, days in {"week": 7, "far": 1_000}.items()
    },
)
RULES: dict[str, dict[str, object]] = {
    "every day": {},
    "rest": {"rest_days": ["sunday"], "rest_on": ["holiday"], "short_day_hours": 12},
    "freezes": {"rest_days": ["saturday", "sunday"], "freezes": 2, "freeze_renews_days": 14, "short_day_hours": 12},
}


def days(n: int | None) -> str | None:
    return json.dumps({"days": n}) if n else None


def deliver(warehouse: Warehouse, app: App, folder: Path, players: list[Player], since: dt.datetime, cut: dt.datetime):
    """What became known after `since` and until `cut`: events first, so that zones come after them."""
    events = [
        {
            "user_id": str(who),
            "event": event,
            "occurred_at": at,
            "properties": given,
            "event_id": mine,
            "retracts": other,
        }
        for who, player in enumerate(players)
        for event, at, known, given, mine, other in (
            *(("solve", at, known, None, f"{who} at {at}", None) for at, known, _ in player.plays),
            *((None, gone, gone, None, f"no {who} at {at}", f"{who} at {at}") for at, _, gone in player.plays if gone),
            *((f"nightquest.{what}", at, known, days(n), None, None) for at, known, what, n in player.said),
        )
        if since < known <= cut
    ]
    zones = [
        {"user_id": str(who), "recorded_at": at, "timezone": zone}
        for who, player in enumerate(players)
        for at, known, zone in player.zones
        if since < known <= cut
    ]
    for name, rows in (("events", events), ("players", zones)):
        path = folder / f"{name}-{cut:%F}.parquet"
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        ingest_files(warehouse, app, [path], now=cut, history=False, players=name == "players")


@pytest.mark.parametrize("rules", RULES)
def test_no_streak_is_lost_none_invented_and_none_paid_twice(tmp_path: Path, rules: str) -> None:
    """Metrics, features, windows, progress and badges of two nights, against a plain walk from day to day."""
    app = APP.model_copy(update={"streaks": Streaks.model_validate(RULES[rules])})
    chance = random.Random(rules)  # noqa: S311 - rows for a test
    players = [make_player(chance, WAITS) for _ in range(1 + PLAYERS // len(RULES))]
    paid, since = set[str](), FIRST - 9 * DAY
    with scratch() as warehouse:
        for as_of in NIGHTS:
            cut = dt.datetime.combine(as_of, dt.time(4), dt.UTC)
            deliver(warehouse, app, tmp_path, players, since, cut)
            since = cut
            known = Known(warehouse, pin_night(warehouse, app, "hash", as_of, cut, "code", file_hash="hash"))
            told = {str(who): streaks(player, app, as_of, known.base_day, cut) for who, player in enumerate(players)}
            agree(known, told)
            award_badges(known, cite)
            publish(warehouse, known.night)
            paid |= {who for who, (values, _) in told.items() if max(values.values(), default=0) >= 7}
            entries = warehouse.frame("SELECT user_id FROM xp_ledger JOIN players USING (player_key)")["user_id"]
            assert sorted(entries) == sorted(paid)
        look_back(warehouse, app, players)
        before = warehouse.frame("SELECT * FROM player_days ORDER BY ALL")
        refresh_parts(warehouse, app, None)
        assert warehouse.frame("SELECT * FROM player_days ORDER BY ALL").equals(before)


def look_back(warehouse: Warehouse, app: App, players: list[Player]) -> None:
    """The first night made again sees what it saw, whatever came in since, but for days that late zones moved."""
    night = find_night(warehouse, app, NIGHTS[0])
    assert night is not None
    on_time = [who for who, player in enumerate(players) if _zones_on_time(player)]
    told = {str(who): streaks(players[who], app, night.as_of, night.base_day, night.cut)[0] for who in on_time}
    found = Known(warehouse, night).frame(
        """SELECT user_id, day, max::INTEGER AS run FROM known_player_days JOIN players USING (player_key)
           WHERE metric = 'run'"""
    )
    found = found.filter(pl.col("user_id").is_in(list(told)))
    assert sorted(found.iter_rows()) == sorted(
        (who, day, run) for who, days in told.items() for day, run in days.items()
    )


def _zones_on_time(player: Player) -> bool:
    return all(known == at and player.zones[0][0] < FIRST for at, known, _ in player.zones)


def agree(known: Known, told: dict[str, tuple[dict[dt.date, int], int]]) -> None:
    keys = dict(known.rows("SELECT user_id, player_key FROM players"))
    values = {(keys[who], day): value for who, (days, _) in told.items() for day, value in days.items()}
    found = known.rows("SELECT player_key, day, max::INTEGER FROM known_player_days WHERE metric = 'run' ORDER BY ALL")
    assert found == sorted((who, day, value) for (who, day), value in values.items())
    lately = {}
    for (who, day), value in values.items():
        if known.base_day - 28 * DAY <= day < known.base_day:
            lately[who] = max(value, lately.get(who, 0))
    snapshots = pl.DataFrame({"player_key": sorted(lately)}).with_columns(base_day=pl.lit(known.base_day))
    features = compute_features(known, snapshots)
    assert dict(features.select("player_key", "run__28").iter_rows()) == lately
    windows = snapshots.select(
        "player_key",
        window_id="player_key",
        metric=pl.lit("run"),
        start_day=pl.col("base_day") - 28 * DAY,
        end_day=pl.col("base_day") - DAY,
    )
    assert dict(window_values(known, windows).select("player_key", "value").iter_rows()) == lately
    progress = badge_progress(known).filter(pl.col("badge_id") == "far")
    shown = {who: round(1_000 * share) for who, share in progress.select("player_key", "progress").iter_rows()}
    runs = {keys[who]: run for who, (_, run) in told.items()}
    assert shown == {who: runs[who] for who in shown}
    assert len([run for run in shown.values() if run > 1]) > len(runs) / 6
