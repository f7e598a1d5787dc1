"""Adaptive missions: harder after what was kept, easier after what was missed, one at a time."""

import datetime as dt
import json

import polars as pl
import pytest

from models.joint import Joint
from pipelines.challenges.choose import EMPTY_RECENT
from pipelines.challenges.missions import (
    EMPTY_RECORD,
    MOST,
    NOT_TOGETHER,
    NOTHING_ELSE,
    ONE_DEED,
    SLOT,
    _shifted,
    _why_alone,
    _without_running,
    in_question,
    mission_days,
    mission_shift,
    rank_missions,
    set_together,
)
from pipelines.challenges.parts import MISSION
from pipelines.night.metadata import _with_why_of_one
from pipelines.players.tastes import NO_TASTES
from tests.factories import make_app
from tests.pipelines.challenges import candidates

APP = make_app()
BASE = dt.date(2024, 3, 1)
HALF_WAY = Joint()
WEEK = dt.timedelta(days=7)


def record(*outcomes: bool | None, player: int = 1, promised: float = 0.55, played: bool = True) -> pl.DataFrame:
    """Missions one week after another, the newest last, the week before BASE."""
    rows = [
        {
            "player_key": player,
            "metric": "solved",
            "probability_if_active": promised,
            "start_day": BASE - (len(outcomes) - k) * WEEK,
            "end_day": BASE - (len(outcomes) - k) * WEEK + dt.timedelta(days=6),
            "hit": hit,
            "played": None if hit is None else played,
        }
        for k, hit in enumerate(outcomes)
    ]
    return pl.DataFrame(rows, schema=EMPTY_RECORD.schema)


def shift(*outcomes: bool | None, **changes) -> float:
    found = mission_shift(record(*outcomes, **changes))["shift"]
    return found[0] if len(found) else 0.0


def targets(players: int = 1, chance: float = 0.55) -> pl.DataFrame:
    return candidates.targets(players, (7,), chance, BASE)


def choose(
    rows: pl.DataFrame,
    *,
    recent=EMPTY_RECENT,
    past=EMPTY_RECORD,
    seed: int = 7,
    tastes=NO_TASTES,
):
    ranked = rank_missions(in_question(APP, rows, recent), past, tastes, seed)
    return ranked.filter(pl.col("place") == 0)


def test_who_has_answered_gets_what_they_like_mostly_with_its_chance_and_nobody_else_anything_else():
    rows = targets(200)
    liked = [{"player_key": player, "metric": "points", "liking": 0.4, "worn": 0.0} for player in range(100)]
    tastes = pl.concat([NO_TASTES, pl.DataFrame(liked)], how="diagonal")
    plain, moved = choose(rows), choose(rows, tastes=tastes)
    answers = pl.col("player_key") < 100
    assert moved.filter(~answers).equals(plain.filter(~answers))
    asked = moved.filter(answers)
    share = (asked["metric"] == "points").mean()
    assert (plain["metric"] == "points").mean() < 0.4
    assert 0.45 < share < 0.95
    assert asked["chance"].is_between(0, 1, closed="none").all()
    assert abs(share - asked.filter(metric="points")["chance"][0]) < 0.2


def test_a_mission_takes_a_week_or_the_longest_window_there_is():
    assert mission_days(APP) == 7
    assert mission_days(make_app(challenges={"metrics": ["solved"], "windows": [1, 3, 10]})) == 10


def test_what_was_kept_makes_the_next_harder_and_what_was_missed_easier():
    assert shift(True) == pytest.approx(0.15 * (0.55 - 1))
    assert shift(False) == pytest.approx(0.15 * 0.55)
    assert shift(False, True) == pytest.approx(0.15 * ((0.55 - 1) + 0.55 / 2))
    assert shift(True, True, True) < shift(True) < 0 < shift(False) < shift(False, False)


def test_a_promise_that_was_kept_as_often_as_promised_moves_nothing_on_average():
    surprise = 0.75 * shift(True, promised=0.75) + 0.25 * shift(False, promised=0.75)
    assert surprise == pytest.approx(0)


def test_the_shift_is_bounded_and_rests_on_the_last_four():
    assert shift(*[False] * 4, promised=0.85) == MOST
    assert shift(*[False] * 3, *[True] * 4) == pytest.approx(shift(*[True] * 4))
    assert shift(*[True] * 9) >= -MOST


def test_a_mission_missed_without_play_or_still_open_says_nothing():
    assert shift(False, played=False) == 0
    assert shift(None) == 0
    assert shift(True, None) == pytest.approx(shift(True))


def test_what_is_wanted_stays_within_what_may_be_asked():
    wanted = pl.DataFrame({"player_key": [1, 2, 3], "base_day": [BASE] * 3, "wanted": [0.35, 0.75, 0.5]})
    shifts = pl.DataFrame({"player_key": [1, 2], "base_day": [BASE] * 2, "shift": [-0.15, 0.15]})
    assert _shifted(wanted, shifts)["wanted"].to_list() == pytest.approx([0.3, 0.8, 0.5])


def test_a_new_mission_waits_until_the_week_of_the_last_is_over_even_when_that_was_kept_early():
    snapshots = pl.DataFrame({"player_key": [1, 2], "start_day": [BASE] * 2})
    over, running = record(True), record(True, player=2).with_columns(end_day=pl.lit(BASE))
    assert _without_running(snapshots, pl.concat([over, running]), 7)["player_key"].to_list() == [1]


def test_a_night_in_the_past_issues_none_into_a_week_that_a_later_night_has_filled():
    snapshots = pl.DataFrame({"player_key": [1], "start_day": [BASE]})
    later = record(None).with_columns(start_day=pl.lit(BASE + dt.timedelta(days=6)), end_day=pl.lit(BASE + 2 * WEEK))
    assert _without_running(snapshots, later, 7).is_empty()
    assert _without_running(snapshots, later.with_columns(start_day=pl.lit(BASE + WEEK)), 7).height == 1


def test_each_player_gets_one_in_a_slot_of_its_own():
    chosen = choose(targets(20))
    assert chosen["player_key"].is_unique().all()
    assert chosen.height == 20
    assert set(chosen["slot"]) == {SLOT}
    assert chosen["metric"].n_unique() > 1
    assert set_of(targets(20))["fit"].is_between(0, 1).all()


def test_a_metric_still_asked_over_as_many_days_is_left_out_and_last_weeks_gives_way():
    running = pl.DataFrame(
        [
            (0, name, 7, 9.0, BASE - dt.timedelta(days=2), BASE + dt.timedelta(days=4), True)
            for name in ("points", "days")
        ],
        schema=EMPTY_RECENT.schema,
        orient="row",
    )
    last = record(True, player=0)
    for seed in range(10):
        chosen = choose(targets(), recent=running, past=last, seed=seed)
        assert chosen["metric"].to_list() == ["topics"]


def set_of(rows: pl.DataFrame, joint: Joint = HALF_WAY, seed: int = 7) -> pl.DataFrame:
    """The missions that come of targets, with all that is asked beside the first."""
    ranked = rank_missions(in_question(APP, rows, EMPTY_RECENT), EMPTY_RECORD, NO_TASTES, seed)
    wanted = rows.select("player_key", "base_day", "wanted").unique(maintain_order=True)
    return set_together(APP, joint, ranked, wanted, seed)


def test_a_mission_asks_for_two_or_three_things_of_which_none_follows_from_another():
    chosen = set_of(targets(200, chance=0.7))
    asked = [[first, *(part["metric"] for part in also)] for first, also in chosen.select("metric", "also").iter_rows()]
    assert {len(names) for names in asked} == {2, 3}
    assert all(len(set(names)) == len(names) for names in asked)
    same = targets(5).filter(pl.col("metric").is_in(["solved", "days"])).with_columns(target=pl.lit(1.0))
    assert set_of(same).is_empty(), "who solves a puzzle plays on a day"


def test_why_a_mission_asks_for_one_thing_is_told():
    def why(rows: pl.DataFrame) -> str:
        ranked = rank_missions(in_question(APP, rows, EMPTY_RECENT), EMPTY_RECORD, NO_TASTES, 7)
        return _why_alone(APP, ranked, ranked.filter(pl.col("place") == 0))[0]

    assert why(targets().filter(metric="topics")) == NOTHING_ELSE
    same = targets().filter(pl.col("metric").is_in(["solved", "days"])).with_columns(target=pl.lit(1.0))
    assert why(same) == ONE_DEED
    assert why(targets(chance=0.3)) == NOT_TOGETHER


def test_why_a_mission_asks_for_one_thing_stands_with_it_and_with_no_other_challenge():
    issued = pl.DataFrame(
        {"player_key": [1, 1, 2], "content_type": [MISSION, "daily_challenge", MISSION]}
    ).with_columns(metadata=pl.lit('{"plays": "plays/1"}'))
    alone = pl.DataFrame({"player_key": [1], "reason": [ONE_DEED]})
    told = _with_why_of_one(issued, alone)["metadata"]
    assert [json.loads(one).get("of_one") for one in told] == [ONE_DEED, None, None]
    assert _with_why_of_one(issued, alone.clear()).equals(issued)


def test_what_a_mission_promises_is_the_chance_of_all_and_nearest_to_what_is_wanted():
    easy, hard = set_of(targets(100, chance=0.84)), set_of(targets(100, chance=0.6))
    assert (easy["also"].list.len() == 2).mean() > 0.9, "of three easy things"
    assert (hard["also"].list.len() == 1).mean() > 0.9, "of two harder ones"
    for rows, chance in ((easy, 0.84), (hard, 0.6)):
        count = rows["also"].list.len() + 1
        assert ((rows["probability_if_active"] > chance**count) & (rows["probability_if_active"] < chance)).all()
    alike = set_of(targets(50, chance=0.7), Joint(shared=6.0))["probability_if_active"]
    apart = set_of(targets(50, chance=0.7), Joint(shared=-6.0))["probability_if_active"]
    assert alike.mean() == pytest.approx(0.7, abs=0.01)
    assert apart.mean() == pytest.approx(0.49, abs=0.01)


def test_what_goes_together_does_not_rest_on_who_else_is_there():
    everybody, one = set_of(targets(30)), set_of(targets(30).filter(player_key=7))
    columns = ["player_key", "metric", "also", "probability_if_active"]
    assert everybody.filter(player_key=7).select(columns).equals(one.select(columns))
