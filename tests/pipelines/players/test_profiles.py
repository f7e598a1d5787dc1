import datetime as dt
import uuid

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from configs.personas import TRAITS
from pipelines.known import Known
from pipelines.players.content_liked import score_content
from pipelines.players.features import compute_features
from pipelines.players.habits import describe_habits
from pipelines.players.languages import spoken
from pipelines.players.profiles import (
    activity,
    choose_personas,
    describe_players,
    measure_skill,
    preferred_content,
)
from pipelines.players.standing import rank_share
from pipelines.players.tastes import describe_tastes
from pipelines.players.traits import measure_traits
from tests.factories import START, add_events, event, make_app, take_back_events, warehouse_with
from tests.pipelines.challenges.strength import BASE, at_night, feature_rows, one_cohort
from tests.pipelines.publish.night_rows import challenge
from tests.pipelines.publish.nights import put

APP = make_app(
    personas={
        "OWL": {"traits": {"night": 1.0}, "risk_tolerance": 0.2},
        "STORM": {"traits": {"intensity": 0.8, "night": -0.6}, "risk_tolerance": 0.9},
        "COLLECTOR": {"traits": {"topics": 1.0, "night": -0.2}, "risk_tolerance": 0.5},
    },
    profile={
        "styles": {"SPRINT": {"traits": {"intensity": 1.0}}, "STROLL": {"traits": {"regularity": 1.0}}},
        "social": ["famous"],
        "preferences": {"theme": {"event": "solve", "of": "topic"}, "stake": {"event": "solve", "of": "points"}},
    },
    engagement={"metric": "solved"},
    voice={"theme": "puzzles", "languages": ["en", "de", "pt-BR"]},
)
NIGHT = at_night(APP)
EARLIER = NIGHT.cut - dt.timedelta(days=3)


@pytest.fixture
def warehouse():
    with warehouse_with(APP, [event(player, 50, points=1, topic="a") for player in range(1, 31)]) as found:
        yield found


def profile(warehouse, features=None, night=NIGHT) -> pl.DataFrame:
    features = feature_rows(APP, 30) if features is None else features
    return describe_players(Known(warehouse, night), features, one_cohort(features))


def says(warehouse, player: int, at: dt.datetime, available_at: dt.datetime | None = None, **what) -> None:
    record = {"player_key": player, "recorded_at": at, "available_at": available_at or at, **what}
    warehouse.append("player_records", pl.DataFrame([record]))


def settled(
    warehouse,
    player: int,
    states: str,
    as_of: dt.date = BASE,
    revision: int = 1,
    name: str = "",
    valid_until: dt.date = BASE - dt.timedelta(days=1),
) -> None:
    rows = [
        {
            "content_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{player}/{name}{i}")),
            "revision": revision,
            "player_key": player,
            "as_of": as_of,
            "state": "completed" if state == "+" else "expired",
            "progress": float(state == "+"),
            "played": True,
            "xp": 0,
            "reason": "test",
        }
        for i, state in enumerate(states)
    ]
    warehouse.append("settlements", pl.DataFrame(rows))
    asked = [challenge(player, content_id=row["content_id"], valid_until=valid_until) for row in rows]
    warehouse.append("challenges", pl.DataFrame(asked), on_conflict_skip=True)


def test_a_profile_for_each_player_in_order_within_the_published_bounds(warehouse):
    features = feature_rows(APP, 30).sample(fraction=1, shuffle=True, seed=1)
    found = profile(warehouse, features)
    assert found["player_key"].equals(features["player_key"])
    assert set(found["persona"]) <= set(APP.personas)
    assert found["skill_level"].is_between(1, 10).all()
    assert found["skill"].is_between(0, 1).all()
    assert found["risk_tolerance"].is_between(0, 1).all()
    assert set(found["activity"]) <= set(APP.engagement.levels)
    assert found.drop("preferred_content", "completion_rate").null_count().sum_horizontal().item() == 0


def test_what_arrives_later_changes_no_profile(warehouse):
    says(warehouse, 1, EARLIER, language="de")
    settled(warehouse, 1, "+-")
    before = profile(warehouse)
    after_cut = NIGHT.cut + dt.timedelta(hours=1)
    says(warehouse, 1, EARLIER, available_at=after_cut, language="en", opted_out=True)
    says(warehouse, 2, after_cut, language="de", opted_out=True)
    settled(warehouse, 1, "++++", as_of=BASE + dt.timedelta(days=1), name="later")
    settled(warehouse, 1, "-+", as_of=BASE + dt.timedelta(days=1), revision=2)
    add_events(warehouse, APP, [event(3, 75, points=9, topic="z")])
    assert profile(warehouse).equals(before)


def test_completion_is_drawn_to_the_usual_share_and_unknown_before_the_first_settlement(warehouse):
    settled(warehouse, 1, "++")
    settled(warehouse, 2, "--")
    settled(warehouse, 3, "+" * 40 + "-" * 40)
    rates = dict(profile(warehouse).select("player_key", "completion_rate").iter_rows())
    assert rates[1] == pytest.approx((2 + 8 * 0.5) / 10)
    assert rates[2] == pytest.approx((0 + 8 * 0.5) / 10)
    assert rates[3] == pytest.approx(0.5)
    assert rates[4] is None


def test_a_challenge_kept_early_does_not_flatter_while_its_window_runs_on(warehouse):
    settled(warehouse, 1, "+-")
    settled(warehouse, 1, "++++", name="running", valid_until=BASE)
    assert profile(warehouse)["completion_rate"][0] == pytest.approx((1 + 8 * 0.5) / 10)


def test_a_corrected_settlement_counts_as_corrected(warehouse):
    settled(warehouse, 1, "----", as_of=BASE - dt.timedelta(days=2))
    settled(warehouse, 1, "+", revision=2)
    assert profile(warehouse)["completion_rate"][0] == pytest.approx((1 + 8 * 0.25) / 12)


def test_the_last_word_on_language_and_on_being_left_alone_counts(warehouse):
    says(warehouse, 1, EARLIER, language="fr", opted_out=True)
    says(warehouse, 1, EARLIER + dt.timedelta(hours=1), language="de")
    says(warehouse, 2, EARLIER, opted_out=True)
    says(warehouse, 2, EARLIER + dt.timedelta(hours=1), opted_out=False)
    found = profile(warehouse)
    assert found["language"].to_list()[:3] == ["de", "en", "en"]
    assert found["opted_out"].to_list()[:3] == [True, False, False]


@pytest.mark.parametrize(
    ("mine", "said"),
    [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("fr", "en"), (None, "en"), ("pt-br", "pt-BR"), ("pt", "en")],
)
def test_language_is_one_that_the_app_speaks(mine, said):
    rows = pl.DataFrame({"language": [mine]}, schema={"language": pl.String})
    assert rows.select(spoken(APP, pl.col("language"))).item() == said


def test_personas_follow_the_traits():
    late = [1.0 if player <= 10 else -1.0 for player in range(1, 31)]
    busy = [100.0 if 10 < player <= 20 else 1.0 for player in range(1, 31)]
    broad = [20.0 if player > 20 else 0.0 for player in range(1, 31)]
    features = feature_rows(
        APP, 30, hour_cos=late, events_90=busy, topics__28=broad, active_days_28=[20.0] * 30, active_days_90=[1.0] * 30
    )
    found = choose_personas(APP, features, seed=1)
    assert found["persona"].to_list() == ["OWL"] * 10 + ["STORM"] * 10 + ["COLLECTOR"] * 10
    assert found["risk_tolerance"].to_list() == [0.2] * 10 + [0.9] * 10 + [0.5] * 10


def test_ties_are_drawn_the_same_way_for_a_seed_and_not_all_one_way():
    alike = pl.concat([feature_rows(APP, 1)] * 60).with_columns(player_key=pl.int_range(60))
    first = choose_personas(APP, alike, seed=1)
    assert choose_personas(APP, alike, seed=1).equals(first)
    assert first["persona"].n_unique() == 3
    assert not choose_personas(APP, alike, seed=2)["persona"].equals(first["persona"])


def test_an_app_without_personas_still_has_a_kind_of_player():
    found = choose_personas(make_app(), feature_rows(make_app(), 3), seed=1)
    assert found["risk_tolerance"].to_list() == [0.5] * 3
    assert found["personas"].to_list() == [{"PLAYER": 1.0}] * 3
    assert found["style"].null_count() == 3
    assert set(found["traits"].struct.fields) == set(TRAITS)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-50, 50)), min_size=1, max_size=20))
def test_standing_lies_between_its_bounds_and_the_unknown_in_the_middle(values):
    shares = pl.DataFrame({"x": values}, schema={"x": pl.Float64}).select(rank_share(pl.col("x"))).to_series().to_list()
    assert all(0 <= share <= 1 for share in shares)
    assert all(share == 0.5 for value, share in zip(values, shares, strict=True) if value is None)


def test_little_play_keeps_traits_near_the_middle():
    features = feature_rows(APP, 3, hour_cos=[1.0, 0.0, -1.0], active_days_28=[1.0, 10.0, 10.0])
    nights = measure_traits(APP, features, ["night"])["night"].to_list()
    assert 0 < nights[0] < 0.5
    assert nights[2] < -0.8


def test_skill_is_what_a_day_brings_not_how_many_days():
    rows = feature_rows(APP, 2, active_days_28=[20.0, 10.0], points__28=[40.0, 30.0], solved__28=[20.0, 15.0])
    often, well = measure_skill(APP, rows, one_cohort(rows))["skill"]
    assert often < 0.5 < well


def test_skill_counts_how_well_where_the_app_measures_that():
    app = make_app(segments={"features": ["solved", "average"], "score": "best"})
    rows = feature_rows(app, 3, average__28=[9.0, 5.0, 1.0], best__28=[5.0] * 3, solved__28=[1.0, 2.0, 90.0])
    rows = rows.with_columns(active_days_28=pl.lit(9.0))
    skills = measure_skill(app, rows, one_cohort(rows))["skill"].to_list()
    assert skills == sorted(set(skills), reverse=True)


def test_the_word_for_skill_is_one_of_the_levels_by_even_parts():
    rows = feature_rows(APP, 40)
    found = measure_skill(APP, rows, one_cohort(rows)).sort("skill")
    places = [APP.segments.levels.index(word) for word in found["skill_word"]]
    assert places == sorted(places)
    assert places == [min(int(4 * skill), 3) for skill in found["skill"]]


def test_skill_may_rest_on_a_metric_called_days():
    app = make_app(segments={"features": ["days"], "score": "days"})
    rows = feature_rows(app, 3, active_days_28=[4.0, 4.0, 4.0], days__28=[1.0, 2.0, 4.0])
    skills = measure_skill(app, rows, one_cohort(rows))["skill"].to_list()
    assert skills == sorted(set(skills))


def test_skill_stands_among_those_one_is_compared_with():
    features = feature_rows(APP, 40)
    by_half = one_cohort(features).with_columns(
        judged_as=pl.when(pl.col("player_key") <= 20).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    skill = measure_skill(APP, features, by_half)["skill"].to_list()
    assert skill[19] > 0.7
    assert skill[20] < 0.4


def test_activity_rises_with_play_and_a_week_without_is_the_lowest():
    features = feature_rows(APP, 60, events_7=[0.0] * 10 + [3.0] * 50, solved__7=[0.0] * 10 + [3.0] * 50)
    found = features.select(activity(APP)).to_series().to_list()
    places = [APP.engagement.levels.index(level) for level in found]
    assert places[:10] == [0] * 10
    assert places[10:] == sorted(places[10:])
    assert set(places) == {0, 1, 2, 3, 4}
    assert places[10:].count(1) == 30


def test_preferred_content_is_what_one_does_more_of_than_others():
    features = feature_rows(
        APP,
        3,
        active_days_28=[9.0, 9.0, 2.0],
        events_28=[10.0] * 3,
        solved__28=[9.0, 1.0, 5.0],
        points__28=[0.0] * 3,
        topics__28=[1.0, 9.0, 5.0],
        days__28=[0.0] * 3,
    )
    assert features.select(preferred_content(APP)).to_series().to_list() == ["solved", "topics", None]


def test_preferences_are_what_was_chosen_most_lately_and_by_what_was_known(warehouse):
    topics = [("b", 3), ("b", 5), ("c", 7), ("d", 40)]
    more = [event(1, 52, points=n, topic=t) for t, n in topics]
    unseen = event(1, 53, points=90, topic="z", available_at=NIGHT.cut + dt.timedelta(hours=1))
    add_events(warehouse, APP, [*more, unseen, event(2, 52)])
    chosen = profile(warehouse)["preferences"].to_list()
    assert chosen[0] == {"theme": {"value": "b", "share": 0.4, "times": 5}, "stake": {"value": 5.0, "times": 5}}
    assert chosen[1] == {"theme": {"value": "a", "share": 1.0, "times": 1}, "stake": {"value": 1.0, "times": 1}}


def test_social_ways_are_told_of_the_metrics_that_are_marked_and_stand_among_the_others():
    told = describe_habits(APP, feature_rows(APP, 4, famous__28=[0.0, 5.0, 1.0, 0.0]))["social"].to_list()
    assert [row["famous"]["last_28_days"] for row in told] == [0, 5, 1, 0]
    assert [row["famous"]["standing"] for row in told] == [0.25, 0.875, 0.625, 0.25]
    alone = make_app()
    assert describe_habits(alone, feature_rows(alone, 2))["social"].null_count() == 2


def test_events_that_have_dates_alone_tell_no_hour():
    angle = 2 * np.pi * 4 / 24
    early = {"hour_sin": [0.0, np.sin(angle)], "hour_cos": [1.0, np.cos(angle)], "minutes_28": [0.0, 0.0]}
    for app, parts in ((APP, [None, "night"]), (APP.model_copy(update={"day_starts_at": dt.time(4)}), ["night", None])):
        habits = describe_habits(app, feature_rows(app, 2, **early))["habits"].to_list()
        assert [row["part_of_day"] for row in habits] == parts
        assert [row["usual_hour"] is None for row in habits] == [part is None for part in parts]


def test_habits_tell_hours_that_lie_together_weekdays_and_rhythm():
    angle = 2 * np.pi * 19 / 24
    rows = feature_rows(
        APP,
        3,
        hour_sin=[0.9 * np.sin(angle), 0.1, 0.0],
        hour_cos=[0.9 * np.cos(angle), 0.0, 0.8],
        active_days_28=[8.0, 20.0, 6.0],
        tenure_days=[14.0, 90.0, 3.0],
        gap_mean_28=[2.0, 1.4, 3.0],
        gap_sd_28=[0.5, 1.2, 6.0],
        on_monday=[0.5, 1.0, 0.0],
    )
    habits = describe_habits(APP, rows)["habits"].to_list()
    assert [row["usual_hour"] for row in habits] == [19, 6, 0]
    assert [row["part_of_day"] for row in habits] == ["evening", "any", "night"]
    assert [row["days_a_week"] for row in habits] == [4.0, 5.0, 6.0]
    assert [row["rhythm"] for row in habits] == ["regular", "mixed", "bursty"]
    assert [row["monday"] for row in habits] == [0.5, 1.0, 0.0]


def test_what_was_taken_back_tells_no_more_of_a_player_than_if_it_had_never_come():
    """Play, choices, an answer and a taste: the profile, tastes and the content liked are those of what is left."""
    last = (BASE - START.date()).days
    play = [event(p, last - day, points=p, topic="ab"[day % 2]) for p in (1, 2, 3) for day in range(1, 12)]
    more = [event(1, last - day - 0.1, points=9, topic="z") for day in range(1, 12)]
    asked = challenge(1, 1, BASE - dt.timedelta(days=4))
    answers = [
        event(1, last - 3, f"nightquest.{name}", content_id=asked["content_id"], value=value) | {"active": False}
        for name, value in (("shown", None), ("rated", 1.0), ("dismissed", None))
    ]
    rows = [row | {"event_id": f"x{nth}"} for nth, row in enumerate([*play, *answers, *more])]
    gone = {f"x{nth}" for nth in range(len(play), len(rows))}
    found = []
    for came, taken_back in ((rows, sorted(gone)), ([row for row in rows if row["event_id"] not in gone], [])):
        with warehouse_with(APP, came) as warehouse:
            put(warehouse, "challenges", asked)
            before = told_of(warehouse)
            take_back_events(warehouse, APP, taken_back, NIGHT.cut - dt.timedelta(hours=1))
            found.append(told_of(warehouse))
            assert all(map(pl.DataFrame.equals, before, found[-1])) == (not taken_back)
    for had, never in zip(*found, strict=True):
        assert_frame_equal(had, never)


def told_of(warehouse) -> list[pl.DataFrame]:
    """What a night says of its players: their profiles, their tastes, and the types of content that go well."""
    known = Known(warehouse, NIGHT)
    who = pl.DataFrame({"player_key": [1, 2, 3]}).with_columns(base_day=pl.lit(BASE))
    features = compute_features(known, who)
    return [
        describe_players(known, features, one_cohort(features)),
        describe_tastes(known),
        score_content(known, who.select("player_key")),
    ]
