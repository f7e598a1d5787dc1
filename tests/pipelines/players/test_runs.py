"""A player's streaks as a screen shows them: how long, and until when they can be kept."""

import datetime as dt
from typing import Any

import polars as pl

from pipelines.players.runs import describe_streaks
from tests.factories import FAR, START, event, known_at, make_app, warehouse_with

APP = make_app(
    metrics={
        "solved": {"event": "solve", "task": "Solve {goal}", "unit": "puzzle"},
        "run": {"agg": "streak", "event": "solve", "unit": "day"},
    },
    segments={"features": ["solved"], "score": "solved"},
    challenges={"metrics": ["solved"]},
    streaks={"rest_days": ["sunday"], "freezes": 1, "freeze_renews_days": 10},
)
MONDAY = START + dt.timedelta(days=-START.weekday() % 7)


def told(app: Any, rows: list[dict[str, Any]], day: int, players: int, cut: dt.datetime = FAR) -> list[Any]:
    base_day = (MONDAY + dt.timedelta(days=day)).date()
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, base_day, cut)
        who = pl.DataFrame({"player_key": range(1, players + 1)})
        return describe_streaks(known, who)["streaks"].to_list()


def on_days(player: int, *days: int) -> list[dict[str, Any]]:
    return [event(player, MONDAY + dt.timedelta(days=day), points=1) for day in days]


def test_a_streak_lasts_over_rest_and_a_freeze_until_the_day_that_breaks_it():
    rows = [
        *on_days(1, 0, 1, 2, 3, 4, 5),  # up to Saturday; Sunday is rest, Monday is paid by the freeze
        *on_days(2, 0, 1, 3, 4, 5),  # has spent the freeze on Wednesday
        *on_days(3, 0, 1),  # missed two days, of which one was forgiven
        *on_days(4, 0, 1, 2, 3, 4),
        event(4, MONDAY + dt.timedelta(days=5), "nightquest.paused") | {"active": False},
        event(5, MONDAY, "nap") | {"active": False},
    ]
    day = {number: str((MONDAY + dt.timedelta(days=number)).date()) for number in (7, 8)}
    assert told(APP, rows, 7, 5) == [
        {"run": {"days": 6, "best": 6, "play_by": day[8]}},
        {"run": {"days": 5, "best": 5, "play_by": day[7]}},
        {"run": {"days": 0, "best": 2, "play_by": None}},
        {"run": {"days": 5, "best": 5, "play_by": None}},  # until they resume
        {"run": {"days": 0, "best": 0, "play_by": None}},
    ]


def test_a_night_made_again_when_later_play_is_known_tells_the_same_end_of_a_streak():
    then = MONDAY + dt.timedelta(days=6, hours=3)
    for before, after in ((range(6), (6, 7, 8)), (range(6), (7, 8)), ((0, 1, 3, 4, 5), (7, 8))):
        rows = [row for day in before for row in on_days(1, day)]
        later = [row for day in after for row in on_days(1, day)]
        later = [row | {"available_at": then + dt.timedelta(days=5)} for row in later]
        assert told(APP, [*rows, *later], 6, 1, then) == told(APP, rows, 6, 1, then)


def test_an_app_without_streaks_tells_of_none():
    metrics = {"solved": APP.metrics["solved"].model_dump()}
    app = make_app(metrics=metrics, segments=APP.segments.model_dump(), challenges={"metrics": ["solved"]})
    assert told(app, on_days(1, 0), 1, 1) == [None]
