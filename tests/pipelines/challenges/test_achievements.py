"""Custom achievements: round, in reach, kept until reached, paid once."""

import datetime as dt
import json

import polars as pl
import pytest

from data.warehouse import Warehouse
from pipelines.badges.held import badges_held
from pipelines.challenges.achievements import (
    LATEST_DAYS,
    SOONEST_DAYS,
    _round_target,
    achievement_progress,
    categories,
    plan_achievements,
    settle_achievements,
)
from pipelines.challenges.lifetimes import lifetime_values
from pipelines.known import Known
from pipelines.pins import Night, day_start, make_night
from tests.factories import APP, START, add_events, event, make_app, warehouse_with

TYPES = ["daily_challenge", "custom_achievement"]
TOY = make_app(
    content={"types": TYPES},
    rewards={"achievement_xp": {"bronze": 10, "silver": 20, "gold": 30, "platinum": 40}},
)
DAY = dt.timedelta(days=1)
frame = Known.frame


def night_of(warehouse: Warehouse, after: int, app=TOY) -> Night:
    """The night that serves the day so many days after START."""
    as_of = START.date() + after * DAY
    return make_night(warehouse, app, as_of, day_start(app, as_of))


def solving(days: int, players: int = 3, per_day: int = 2) -> list[dict]:
    """Player p solves p * per_day puzzles a day, each of the day's own topic."""
    return [
        event(player, day + 0.001 * nth, points=1.5, topic=f"t{day}")
        for player in range(1, players + 1)
        for day in range(days)
        for nth in range(player * per_day)
    ]


def profiles(players: int = 3) -> pl.DataFrame:
    keys = range(1, players + 1)
    return pl.DataFrame({"player_key": list(keys), "user_id": [f"user{k}" for k in keys]}).with_columns(
        persona=pl.lit("BRUTE"), language=pl.lit("en")
    )


def issue(warehouse: Warehouse, night: Night, planned: pl.DataFrame) -> pl.DataFrame:
    words = dict.fromkeys(
        ("title", "description", "brief_id", "ai_provider", "model", "prompt_version", "variant"), pl.lit("x")
    )
    rows = planned.with_columns(
        **words, propensity=1.0, as_of=pl.lit(night.as_of), revision=1, generated_at=pl.lit(night.started_at)
    )
    warehouse.append("achievements", rows, on_conflict_skip=True)
    return rows


def targets(*values_and_paces: tuple[float, float]) -> list[float | None]:
    frame = pl.DataFrame(values_and_paces, schema={"value": pl.Float64, "pace": pl.Float64}, orient="row")
    return frame.select(_round_target()).to_series().to_list()


@pytest.mark.parametrize(
    ("value", "pace", "target"),
    [(37, 1.1, 60), (480, 2, 550), (0, 0.2, 10), (980, 3, 1100), (95, 1, 150), (4, 0.1, 6), (12_345, 200, 20_000)],
)
def test_a_target_is_the_roundest_that_two_to_eight_weeks_reach(value, pace, target):
    assert targets((value, pace)) == [target]
    assert SOONEST_DAYS <= (target - value) / pace <= LATEST_DAYS


def test_who_does_none_of_it_or_comes_to_no_round_number_in_time_has_no_target():
    assert targets((50, 0.0), (50, 0.001), (37, 1 / 28), (41, 1 / 28)) == [None] * 4


def test_lifetime_values_add_up_over_all_days_and_gains_over_the_last_28():
    rows = [
        event(1, 0, points=2.25, topic="a"),
        event(1, 0.1, points=2.25, topic="a"),
        event(1, 40, points=1, topic="a"),
    ]
    rows.append(event(1, 45, points=1, topic="b"))
    with warehouse_with(TOY, rows) as warehouse:
        found = lifetime_values(Known(warehouse, night_of(warehouse, 50)), pl.DataFrame({"player_key": [1]}))
    by_metric = {row["metric"]: (row["value"], row["gain"], row["pace"]) for row in found.iter_rows(named=True)}
    assert by_metric == {
        "solved": (4, 2, 2 / 28),
        "points": (6.5, 2, 2 / 28),
        "topics": (2, 1, 1 / 28),  # a topic met before is no new one
        "days": (3, 2, 2 / 28),
    }


def test_lives_are_the_same_however_many_players_are_added_up_together(monkeypatch):
    everyone = pl.DataFrame({"player_key": [3, 1, 2]})
    with warehouse_with(TOY, solving(10)) as warehouse:
        night = night_of(warehouse, 10)
        whole = lifetime_values(Known(warehouse, night), everyone)
        monkeypatch.setattr("pipelines.challenges.lifetimes.AT_ONCE", 2)
        assert lifetime_values(Known(warehouse, night), everyone).equals(whole)


def test_lives_are_looked_up_once_a_night_whoever_asks(monkeypatch):
    everyone, two = (pl.DataFrame({"player_key": keys}) for keys in ([1, 2, 3], [3, 1]))
    with warehouse_with(TOY, solving(30)) as warehouse:
        known = Known(warehouse, night_of(warehouse, 30))
        whole = lifetime_values(known, everyone)
        asked = []
        monkeypatch.setattr(
            Known, "frame", lambda self, sql, params=None: asked.append(sql) or frame(self, sql, params)
        )
        assert lifetime_values(known, two).equals(whole.filter(pl.col("player_key") != 2))
        assert lifetime_values(known, everyone).equals(whole)
        assert lifetime_values(known, two).equals(whole.filter(pl.col("player_key") != 2))
    assert len(asked) == 2  # the views were not in place when all were asked for first; then who is new alone


def test_a_newcomers_pace_is_taken_over_a_week_at_least():
    with warehouse_with(TOY, solving(2)) as warehouse:
        found = lifetime_values(Known(warehouse, night_of(warehouse, 2)), pl.DataFrame({"player_key": [1]}))
    assert found.filter(pl.col("metric") == "solved")["pace"].to_list() == [4 / 7]


def test_each_player_gets_one_that_is_ahead_of_them_and_has_it_until_it_is_reached():
    with warehouse_with(TOY, solving(20)) as warehouse:
        night = night_of(warehouse, 20)
        planned = plan_achievements(Known(warehouse, night), profiles())
        issue(warehouse, night, planned)
        assert planned["player_key"].to_list() == [1, 2, 3]
        assert (planned["target"] > planned["started_from"]).all()
        assert plan_achievements(Known(warehouse, night_of(warehouse, 21)), profiles()).is_empty()


def test_the_same_night_plans_the_same_and_an_id_rests_on_player_metric_and_target(monkeypatch):
    with warehouse_with(TOY, solving(20)) as warehouse:
        first = plan_achievements(Known(warehouse, night_of(warehouse, 20)), profiles())
        monkeypatch.setattr("pipelines.challenges.achievements.AT_ONCE", 1)  # however many are looked at together
        assert first.equals(plan_achievements(Known(warehouse, night_of(warehouse, 20)), profiles().reverse()))
        later = plan_achievements(Known(warehouse, night_of(warehouse, 21)), profiles())
    both = first.join(later, on=["player_key", "metric", "target"], suffix="_later")
    assert both.height > 0
    assert (both["content_id"] == both["content_id_later"]).all()


def test_a_tier_tells_how_few_have_come_that_far_and_decides_the_pay():
    app = make_app(challenges={"metrics": ["solved"]}, rewards=TOY.rewards.model_dump(), content={"types": TYPES})
    with warehouse_with(app, solving(20, players=30, per_day=1)) as warehouse:
        planned = plan_achievements(Known(warehouse, night_of(warehouse, 20, app)), profiles(30))
    pay = {"bronze": 10, "silver": 20, "gold": 30, "platinum": 40}
    assert [pay[tier] for tier in planned["tier"]] == planned["xp"].to_list()
    ranks = planned["tier"].replace_strict({"bronze": 0, "silver": 1, "gold": 2, "platinum": 3})
    assert (planned.with_columns(rank=ranks).sort("reached_share")["rank"].diff().drop_nulls() <= 0).all()
    assert planned["tier"].n_unique() > 1


def test_no_more_different_things_are_asked_for_than_anybody_has_met():
    rows = [event(p, day, points=0.01, topic=f"t{min(day, 5)}") for p in (1, 2) for day in range(7)]
    rows += [event(1, 6, points=0.01, topic=f"x{n}") for n in range(20)]
    with warehouse_with(TOY, rows) as warehouse:
        night = night_of(warehouse, 7)
        lives = lifetime_values(Known(warehouse, night), profiles(2)).filter(pl.col("metric") == "topics")
        planned = [plan_achievements(Known(warehouse, night), profiles(2)).filter(pl.col("metric") == "topics")]
    assert all((frame["target"] <= lives["value"].max()).all() for frame in planned)


def test_reaching_it_is_written_down_with_its_day_paid_once_and_followed_by_another():
    with warehouse_with(TOY, solving(20)) as warehouse:
        night = night_of(warehouse, 20)
        issued = issue(
            warehouse, night, plan_achievements(Known(warehouse, night), profiles()).filter(pl.col("player_key") == 3)
        )
        metric, target = issued.row(0, named=True)["metric"], issued.row(0, named=True)["target"]
        add_events(warehouse, TOY, [row for row in solving(80) if row["player_key"] == 3 and row["day"] >= night.as_of])
        later = night_of(warehouse, 80)
        settle_achievements(Known(warehouse, later))
        settle_achievements(Known(warehouse, later))
        reached = warehouse.frame("SELECT * FROM achievements_reached").to_dicts()
        xp = warehouse.frame("SELECT entry_id, xp, reason, occurred_at FROM xp_ledger").to_dicts()
        again = plan_achievements(Known(warehouse, later), profiles().filter(pl.col("player_key") == 3))
        progress = achievement_progress(Known(warehouse, later))
        held, before_it = (badges_held(Known(warehouse, one)) for one in (later, night))
        day = reached[0]["reached_on"]
        before = night_of(warehouse, (day - START.date()).days)
        value = lifetime_values(Known(warehouse, before), profiles()).filter(player_key=3, metric=metric)["value"][0]
    assert len(reached) == len(xp) == 1
    assert value < target <= reached[0]["value"]
    assert day == reached[0]["reached_at"].date()
    assert xp[0] == {
        "entry_id": f"achievement:{issued['content_id'][0]}",
        "xp": issued["xp"][0],
        "reason": "Achievement reached: x",
        "occurred_at": reached[0]["reached_at"],
    }
    assert again["content_id"].to_list() != issued["content_id"].to_list()
    assert progress.is_empty()
    assert before_it.is_empty()
    [badge] = held.to_dicts()
    assert (badge["award_id"], badge["badge_id"]) == (issued["content_id"][0], f"achievement:{metric}")
    assert (badge["title"], badge["tier"], badge["granted_at"]) == ("x", issued["tier"][0], reached[0]["reached_at"])
    assert badge["citation"].startswith(f"{target:,.0f} ")
    assert json.loads(badge["evidence"])["values"] == {metric: reached[0]["value"]}


def test_an_earlier_night_knows_nothing_of_what_was_reached_later():
    with warehouse_with(TOY, solving(60)) as warehouse:
        night = night_of(warehouse, 20)
        issue(warehouse, night, plan_achievements(Known(warehouse, night), profiles()))
        settle_achievements(Known(warehouse, night_of(warehouse, 60)))
        open_then = achievement_progress(Known(warehouse, night_of(warehouse, 21)))
    assert open_then.height == 3
    assert (open_then["progress"] < 1).all()


def test_progress_is_the_share_of_the_target_with_days_at_the_players_pace():
    with warehouse_with(TOY, solving(20)) as warehouse:
        night = night_of(warehouse, 20)
        issued = issue(warehouse, night, plan_achievements(Known(warehouse, night), profiles()))
        found = achievement_progress(Known(warehouse, night)).join(issued, on="content_id")
    assert found["value"].to_list() == found["started_from"].to_list()
    assert found["progress"].to_list() == pytest.approx((found["value"] / found["target"]).to_list())
    assert found["eta_days"].is_between(SOONEST_DAYS, LATEST_DAYS).all()


def test_an_app_that_drops_a_metric_counts_its_achievements_no_more():
    with warehouse_with(TOY, solving(20)) as warehouse:
        night = night_of(warehouse, 20)
        issue(warehouse, night, plan_achievements(Known(warehouse, night), profiles()))
        without = make_app(content={"types": TYPES}, challenges={"metrics": ["best"]})
        assert achievement_progress(Known(warehouse, night_of(warehouse, 21, without))).is_empty()


def test_a_category_is_that_of_the_badges_about_the_metric_or_about_its_events_or_the_metrics_own_words():
    badges = {
        "a": {"title": "A", "tier": "bronze", "category": "start", "when": "solved >= 1"},
        "b": {"title": "B", "tier": "gold", "category": "mastery", "when": "solved >= 9 AND points >= 5"},
        "c": {"title": "C", "tier": "gold", "category": "mastery", "when": "last(solved, 7) >= 9"},
    }
    found = categories(make_app(badges=badges))
    assert found == {"solved": "mastery", "points": "mastery", "topics": "mastery", "days": "days"}
    words = APP["metrics"] | {"days": APP["metrics"]["days"] | {"label": "days of play"}}
    assert categories(make_app(metrics=words))["days"] == "days of play"
