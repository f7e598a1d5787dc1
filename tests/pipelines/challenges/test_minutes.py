"""How long what is asked takes: the time of its own kind of play, and not that of all that is done beside it."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from configs.app import App
from pipelines.challenges.minutes import Pace, estimated_minutes, learn_pace
from pipelines.challenges.parts import PARTS
from tests.factories import START, event, known_at, make_app, warehouse_with

AS_OF = (START + dt.timedelta(days=20)).date()
SCORE = {"score": {"type": "number", "min": 0}, "kind": "text", "hours": {"type": "number", "min": 0}}
SCORE |= {"aloud": {"type": "boolean", "chosen": True}, "result": {"type": "text", "chosen": False}}
ASKED = {"event": "lesson", "task": "Do {goal}"}
APP = make_app(
    events={"lesson": {"properties": SCORE}, "chat": {}},
    metrics={
        "lessons": ASKED,
        "strong": {**ASKED, "where": "score >= 80"},
        "aloud": {**ASKED, "where": "aloud = true"},
        "passed": {**ASKED, "where": "aloud = true AND result = 'pass'"},
        "songs": {**ASKED, "where": "kind = 'song' AND score >= 0"},
        "scores": {**ASKED, "agg": "sum", "of": "score"},
        "kinds": {**ASKED, "agg": "distinct", "of": "kind"},
        "best": {**ASKED, "agg": "max", "of": "score"},
        "chats": {"event": "chat", "task": "Send {goal}"},
        "active": {"agg": "days", "task": "Come on {goal}"},
    },
    segments={"features": ["lessons", "chats"], "score": "lessons"},
    challenges={"metrics": ["lessons", "strong", "songs", "scores", "kinds", "best", "chats", "active"]},
)


RESULTS = ("pass", "fail")


def day_of_play(player: int, day: int, *, slow: float = 1.0) -> list[dict[str, Any]]:
    """Four chats a minute apart, then one of 12 minutes and one of 8: a strong song, aloud, passed every other day."""
    at = START + dt.timedelta(days=day)
    minutes = [0, 1, 2, 3, 15, 23]
    first = {"score": 40, "kind": "text", "aloud": False, "result": "pass"}
    told = [{}, {}, {}, {}, first, {**first, "score": 80, "kind": "song", "aloud": True, "result": RESULTS[day % 2]}]
    return [
        event(player, at + dt.timedelta(minutes=slow * minute), "lesson" if said else "chat", **said)
        for minute, said in zip(minutes, told, strict=True)
    ]


def played(*rows: tuple[int, float, int], **told: float) -> pl.DataFrame:
    """player_key, minutes_28 and active_days_28, a session a day."""
    names = ["player_key", "minutes_28", "active_days_28"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("active_days_28").alias("sessions_28"), **{name: pl.lit(value) for name, value in told.items()}
    )


def minutes_of(app: App, pace: Pace, *asked: tuple[str, float], window: int = 7, player: int = 1) -> list[int | None]:
    rows = [
        {"player_key": player, "metric": name, "op": ">=", "target": goal, "window_days": window}
        for name, goal in asked
    ]
    return estimated_minutes(app, pl.DataFrame(rows), pace).to_list()


@pytest.fixture(name="pace", scope="module")
def _pace() -> Pace:
    rows = [one for player in (1, 2) for day in range(12) for one in day_of_play(player, day, slow=1 + (player == 2))]
    later = [one | {"available_at": START + dt.timedelta(days=30)} for one in day_of_play(1, 12, slow=1.2)]
    with warehouse_with(APP, [*rows, *later, *day_of_play(1, 25)]) as warehouse:
        known = known_at(warehouse, APP, AS_OF, START + dt.timedelta(days=20))
        return learn_pace(known, played((1, 12 * 23.0, 12), (2, 12 * 46.0, 12), (3, 0.0, 0)))


def test_a_lesson_takes_the_time_of_a_lesson_and_not_that_of_all_that_is_done_beside_it(pace: Pace) -> None:
    units = dict(pace.metrics.select("metric", "per_unit").iter_rows())
    assert units["lessons"] == pytest.approx(15)  # of 12 and 8 minutes, and of twice that
    assert units["chats"] == pytest.approx(1.5)
    assert units["strong"] == pytest.approx(30)  # every other lesson is
    assert units["songs"] == pytest.approx(12)  # who wants a song takes no other lesson
    assert units["aloud"] == pytest.approx(12)  # and who wants it aloud reads no other, as the app file says
    assert units["passed"] == pytest.approx(24)  # every other one that was read aloud, by a text that is no choice
    assert units["scores"] == pytest.approx(15 * 2 / 120)
    assert units["kinds"] == pytest.approx(15)
    assert units["active"] == pytest.approx(23 * 1.5)
    assert pace.metrics.filter(metric="best")["per_day"].item() == pytest.approx(30)


def test_who_is_slower_is_told_more_minutes_and_nobody_more_than_usual_play_in_the_window(pace: Pace) -> None:
    quick, slow, unknown = (minutes_of(APP, pace, ("lessons", 3.0), player=player) for player in (1, 2, 3))
    assert 30 < quick[0] < 45 < slow[0] < 60
    assert unknown == [45]  # as all
    assert minutes_of(APP, pace, ("lessons", 500.0), ("chats", 0.1), window=2) == [46, 1]


def test_a_mission_takes_the_time_of_all_its_parts_and_the_same_lessons_once(pace: Pace) -> None:
    def together(*also: tuple[str, float]) -> int:
        parts = [{"metric": name, "op": ">=", "target": goal} for name, goal in also]
        row = {"player_key": 2, "metric": "lessons", "op": ">=", "target": 2.0, "window_days": 7, "also": parts}
        rows = pl.DataFrame([row], schema_overrides={"also": PARTS})
        return estimated_minutes(APP, rows, pace).item()

    lessons, chats = (minutes_of(APP, pace, asked, player=2)[0] for asked in (("lessons", 2.0), ("chats", 10.0)))
    assert together(("chats", 10.0)) == pytest.approx(lessons + chats, abs=1)
    assert together(("songs", 1.0)) == lessons


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ({"agg": "sum", "of": "points", "unit": "minute"}, 34),
        ({"agg": "sum", "of": "points", "unit": "Minuten"}, 34),
        ({"agg": "sum", "of": "points", "label": "minutes of study"}, 34),
        ({"agg": "sum", "of": "points", "unit": "hours", "label": "time at sea"}, 24 * 60),
        ({"agg": "sum", "of": "points", "unit": "s", "label": "time held"}, 1),
        ({"agg": "max", "of": "points", "unit": "min", "label": "longest session"}, 34),
        ({"agg": "min", "of": "points", "better": "lower", "unit": "minute", "label": "fastest lap"}, None),
        ({"agg": "sum", "of": "points", "unit": "minute hand"}, None),
        ({"agg": "sum", "of": "points", "unit": "m", "label": "distance"}, None),
    ],
)
def test_who_is_asked_for_time_takes_that_time_and_of_what_nothing_tells_nothing_is_said(metric, expected) -> None:
    app = make_app(
        metrics={"asked": {"event": "solve", "task": "Do {goal}", **metric}},
        segments={"features": ["asked"], "score": "asked"},
        challenges={"metrics": ["asked"]},
    )
    unknown = pl.DataFrame({"metric": ["asked"], "kinds": ["solve"], "per_unit": [None], "per_day": [None]})
    players = pl.DataFrame({"player_key": [1], "way": [1.0], "minutes_28": [20.0], "active_days_28": [10.0]})
    pace = Pace(unknown.cast({"per_unit": pl.Float64, "per_day": pl.Float64}), players)
    assert minutes_of(app, pace, ("asked", 34.0), window=1) == [expected]


def test_events_that_say_how_long_they_took_set_the_pace() -> None:
    """One event a workout: nothing passes between events, and yet three workouts take their 45 minutes each."""
    app = make_app(
        events={"lesson": {"properties": SCORE}},
        metrics={"lessons": ASKED, "time": {**ASKED, "agg": "sum", "of": "hours", "unit": "hour"}},
        segments={"features": ["lessons"], "score": "lessons"},
        challenges={"metrics": ["lessons"]},
    )
    rows = [event(1, day, "lesson", hours=0.75) for day in range(12)]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, AS_OF, START + dt.timedelta(days=20))
        pace = learn_pace(known, played((1, 0.0, 12), time__28=9.0))
    assert minutes_of(app, pace, ("lessons", 3.0)) == [135]


def test_moments_that_lie_seconds_apart_tell_nothing_of_how_long_play_takes() -> None:
    rows = [event(1, START + dt.timedelta(days=day, seconds=9 * nth), "chat") for day in range(12) for nth in range(3)]
    with warehouse_with(APP, rows) as warehouse:
        known = known_at(warehouse, APP, AS_OF, START + dt.timedelta(days=20))
        pace = learn_pace(known, played((1, 3.6, 12)))
    assert minutes_of(APP, pace, ("chats", 3.0), ("lessons", 1.0), ("active", 2.0)) == [None, None, None]


def test_what_lines_of_one_moment_take_is_shared_out_among_them_where_one_of_them_says_it() -> None:
    sums = {"hours": "hour", "score": "point"}
    totals = {name: {**ASKED, "agg": "sum", "of": name, "unit": unit} for name, unit in sums.items()}
    app = make_app(
        events={"lesson": {"properties": SCORE}},
        metrics={"lessons": ASKED, **totals},
        segments={"features": ["lessons"], "score": "lessons"},
        challenges={"metrics": ["lessons", "hours", "score"]},
        badges={},
    )
    lines = [{"score": 30, "hours": 1.0}, {"score": 20}, {"score": 10}]
    rows = [event(1, day, "lesson", **line) for day in range(12) for line in lines]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, AS_OF, START + dt.timedelta(days=20))
        pace = learn_pace(known, played((1, 0.0, 12), hours__28=12.0))
    assert minutes_of(app, pace, ("lessons", 3), ("score", 60)) == [60, 60]
