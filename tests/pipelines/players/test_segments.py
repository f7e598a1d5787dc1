import datetime as dt
from copy import copy

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.tracking.pages import synthetic_rows
from models.tracking.sealed import save_and_predict
from pipelines.known import Known
from pipelines.learning.record_segments import segments_run
from pipelines.players.segments import (
    PAST_WINDOWS,
    assign_segments,
    engagement_score,
    fit_segments,
    in_each_cohort,
    judge_cohorts,
    measures_of,
    past_strength,
    player_cohorts,
    suits,
)
from tests.factories import FAR, START, add_events, event, make_app, warehouse_with
from tests.pipelines.challenges.strength import at_night, feature_rows

APP = make_app(cohorts={"by": ["topic"], "min_players": 40})
LEVELS = APP.segments.levels
NOBODY = pl.DataFrame(schema={"player_key": pl.Int64, "cohort": pl.String})


def in_cohorts(features: pl.DataFrame, *names: str) -> pl.DataFrame:
    return features.select("player_key").with_columns(
        cohort=(pl.col("player_key") % len(names)).replace_strict(dict(enumerate(names)), return_dtype=pl.String)
    )


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    return feature_rows(APP, 160)


@pytest.fixture(scope="module")
def fit(features):
    return fit_segments(APP, features, in_cohorts(features, "a", "b"), seed=7)


def test_too_few_players_give_no_model_and_a_note_with_the_numbers():
    few = feature_rows(APP, 39)
    fit = fit_segments(APP, few, NOBODY, seed=7)
    assert fit.model is None
    assert "39 players, 40 are needed" in fit.note


def test_each_large_cohort_has_its_own_mixture_beside_that_of_all(fit):
    assert fit.model.quality["cohort"].to_list() == ["all", "a", "b"]
    assert fit.model.quality["players"].to_list() == [160, 80, 80]
    assert set(fit.trials["cohort"]) == {"all", "a", "b"}


def test_a_small_cohort_is_compared_with_all_and_says_so(fit, features):
    cohorts = in_cohorts(features, "a", "tiny")
    found = assign_segments(APP, features, fit.model, cohorts)
    assert set(found.filter(pl.col("cohort") == "tiny")["judged_as"]) == {"all"}
    assert set(found.filter(pl.col("cohort") == "a")["judged_as"]) == {"a"}


@pytest.mark.parametrize("fitted", [True, False])
def test_stronger_players_are_never_in_a_lower_segment_on_the_whole(fit, features, fitted):
    found = assign_segments(APP, features, fit.model if fitted else None, NOBODY)
    place = found["segment"].replace_strict({name: i for i, name in enumerate(LEVELS)})
    means = found.with_columns(place=place).group_by("place").agg(pl.col("player_key").mean()).sort("place")
    assert means["player_key"].is_sorted()
    assert means["place"][0] == 0
    assert means.height > 1


@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_level_is_below_a_lower_one_in_the_score_however_the_strong_play(seed, fitted):
    rng = np.random.default_rng(seed)
    group = np.arange(180) % 3
    rows = feature_rows(
        APP,
        180,
        points__28=(np.array([20.0, 40.0, 80.0])[group] * rng.lognormal(0, 0.1, 180)).tolist(),
        active_days_28=(np.array([25.0, 12.0, 4.0])[group] + rng.integers(0, 3, 180)).tolist(),
        recency_days=(np.array([1.0, 6.0, 20.0])[group] + rng.integers(0, 3, 180)).tolist(),
    )
    model = fit_segments(APP, rows, NOBODY, seed=seed).model if fitted else None
    found = assign_segments(APP, rows, model, NOBODY).with_columns(points=rows["points__28"])
    place = found["segment"].replace_strict({name: i for i, name in enumerate(LEVELS)}, return_dtype=pl.Int64)
    means = found.with_columns(place=place).group_by("place").agg(pl.col("points").mean()).sort("place")
    assert means.height > 1
    assert means["points"].is_sorted()


def test_without_a_model_levels_are_of_equal_size_and_certain(features):
    found = assign_segments(APP, features, None, NOBODY)
    assert set(found["segment"].value_counts()["count"]) == {40}
    assert set(found["posterior"]) == {1.0}


def test_without_a_model_players_who_are_alike_share_a_level():
    twins = pl.concat([feature_rows(APP, 1)] * 50).with_columns(player_key=pl.int_range(50))
    assert assign_segments(APP, twins, None, NOBODY)["segment"].n_unique() == 1


def test_the_order_of_players_changes_nothing(fit, features):
    mixed = features.sample(fraction=1, shuffle=True, seed=3)
    for model in (fit.model, None):
        there = assign_segments(APP, features, model, in_cohorts(features, "a", "b"))
        again = assign_segments(APP, mixed, model, in_cohorts(features, "a", "b"))
        assert again["player_key"].equals(mixed["player_key"])
        assert again.sort("player_key").equals(there.sort("player_key"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=3, max_size=12, unique=True), st.data())
def test_more_of_the_score_never_lowers_the_engagement_score(points, data):
    place = data.draw(st.integers(0, len(points) - 1))
    rows = feature_rows(APP, len(points), points__28=[float(p) for p in points]).with_columns(g=pl.lit(1))
    more = rows.with_columns(points__28=pl.col("points__28") + (pl.int_range(pl.len()) == place) * 20.0)
    before, after = (r.select(engagement_score(APP, "g")).to_series()[place] for r in (rows, more))
    assert after >= before


def test_a_model_of_an_older_app_file_does_not_serve(fit, features):
    renamed = make_app(segments={**APP.segments.model_dump(), "levels": ["one", "two"]})
    assert suits(APP, fit.model)
    assert not suits(renamed, fit.model)
    assert set(assign_segments(renamed, features, fit.model, NOBODY)["segment"]) == {"one", "two"}


def test_a_player_without_a_cohort_is_of_all(fit, features):
    assert set(assign_segments(APP, features, fit.model, NOBODY)["cohort"]) == {"all"}


def test_the_score_leads_and_its_weights_add_up():
    measures = measures_of(APP)
    assert measures[0].column == "points__28"
    assert sum(m.weight for m in measures) == pytest.approx(1)


def plays(player: int, topic: str, *days: float) -> list[dict]:
    return [event(player, day, points=2, topic=topic) for day in days]


def night_after(day: int):
    base = (START + dt.timedelta(days=day)).date()
    return at_night(APP, as_of=base, base_day=base, cut=dt.datetime.combine(base, dt.time(), dt.UTC))


def cohorts_at(warehouse, day: int) -> dict[int, str]:
    night = night_after(day)
    return dict(player_cohorts(Known(warehouse, night)).iter_rows())


def test_a_cohort_is_what_was_played_most_of_late():
    rows = plays(1, "old", *range(12)) + plays(1, "new", 40, 41, 42) + plays(1, "other", 43) + plays(2, "old", 42)
    with warehouse_with(APP, rows) as warehouse:
        assert cohorts_at(warehouse, 44) == {1: "new", 2: "old"}


def test_play_that_belongs_to_no_cohort_is_of_all():
    with warehouse_with(make_app(), plays(1, "a", 1, 2)) as warehouse:
        assert cohorts_at(warehouse, 5) == {1: "all"}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ab"), st.integers(5, 30)), max_size=12))
def test_what_is_played_on_the_night_or_later_changes_no_cohort(later):
    with warehouse_with(APP, plays(1, "a", 1, 2) + plays(2, "b", 3) + plays(2, "a", 4)) as warehouse:
        before = cohorts_at(warehouse, 5)
        add_events(warehouse, APP, [row for p, topic, day in later for row in plays(p, topic, day)] or plays(9, "a", 9))
        assert cohorts_at(warehouse, 5) == before


def test_segments_are_learned_from_windows_that_do_not_overlap_and_end_before_the_night():
    rows = [row for player in range(4) for row in plays(player, "a", *range(player, 120, 9))]
    with warehouse_with(APP, rows) as warehouse:
        night = night_after(100)
        features, cohorts, _ = past_strength(Known(warehouse, night))
    days = features["base_day"].unique().sort(descending=True)
    assert days[0] == night.base_day
    assert set((days[:-1] - days[1:]).dt.total_days()) == {28}
    assert len(days) <= PAST_WINDOWS
    assert cohorts.select("player_key", "base_day").equals(features.select("player_key", "base_day"))
    assert features["solved__28"].sum() == len(
        [r for r in rows if r["day"] < night.base_day and r["day"] >= days[-1] - dt.timedelta(days=28)]
    )


def test_of_more_players_than_are_needed_some_are_drawn_with_all_their_windows(monkeypatch):
    rows = [row for player in range(40) for row in plays(player, "a", *range(0, 99, 9))]
    with warehouse_with(APP, rows) as warehouse:
        known = Known(warehouse, night_after(100))
        whole, *_ = past_strength(known)
        monkeypatch.setattr("pipelines.players.segments.MOST_SNAPSHOTS", whole.height // 2)
        some, cohorts, _ = past_strength(known)
    drawn = some["player_key"].unique()
    assert len(drawn) == 20
    assert some.equals(whole.filter(pl.col("player_key").is_in(drawn.implode())))
    assert cohorts.height == some.height


def test_a_past_window_has_the_cohort_of_its_own_time():
    with warehouse_with(APP, plays(1, "old", *range(60, 70)) + plays(1, "new", *range(75, 99))) as warehouse:
        night = night_after(100)
        cohorts = past_strength(Known(warehouse, night))[1].sort("base_day")["cohort"].to_list()
    assert cohorts == ["old", "new"]


def test_the_record_shows_every_mixture_and_reads_back_as_it_was(fit, features, tmp_path):
    day = pl.lit(at_night(APP).base_day).alias("base_day")
    past = features.with_columns(day), in_cohorts(features, "a", "b").with_columns(day), None
    run = segments_run(fit, past, at_night(APP), "hash", "code")
    assert run.rows["tonight"] == features.height
    assert {"held_out", "stability", "silhouette", "posterior", "converged"} <= set(run.metrics)
    assert {"mixtures_all", "mixtures_a", "mixtures_b", "segments_a", "segments_b"} <= set(run.figures)
    assert run.decision.promote == bool(fit.model.quality.select(pl.col("stable", "converged")).to_numpy().all())
    assert max(run.data_window.values()) < at_night(APP).base_day
    came = at_night(APP).base_day - dt.timedelta(days=int(features["tenure_days"].max()))
    assert min(run.data_window.values()) == came, "nothing was known of days before"
    tonight = next(table.rows for table in run.shown if table.title == "Tonight's players")
    assert tonight["players"].sum() == features.height
    in_order = tonight.with_columns(pl.col("median").cast(pl.Float64)).group_by("judged among", maintain_order=True)
    assert all(each["median"].is_sorted() for _, each in in_order)
    assert run.changes == ""
    alike, above = copy(fit.model), copy(fit.model)
    above.predict = lambda rows: fit.model.predict(rows).with_columns(segment=pl.lit(APP.segments.levels[-1]))
    top = tonight.filter(pl.col("segment") == APP.segments.levels[-1])["players"].sum()
    for serving, stay in ((alike, features.height), (above, top)):
        told = segments_run(fit, past, at_night(APP), "hash", "code", ("version 1", serving)).changes
        assert (
            f"{features.height} players {stay} stay at their level, 0 go up and {features.height - stay} down" in told
        )
    save_and_predict(run.model, tmp_path / "m", synthetic_rows(run.inputs, run.example))


def test_nothing_is_recorded_without_a_model():
    fit = fit_segments(APP, feature_rows(APP, 5), NOBODY, seed=7)
    with pytest.raises(ValueError, match="no segments"):
        segments_run(fit, (NOBODY, NOBODY, None), at_night(APP), "hash", "code")


def test_measured_in_cohorts_strength_is_what_was_shown_there_and_not_how_much_was_played():
    app = make_app(
        cohorts={"by": ["topic"], "min_players": 20},
        segments={"features": ["solved"], "score": "best", "measured_in": "cohort"},
    )
    rows = [event(player, day, topic="a", points=player) for player in range(1, 41) for day in (0, 1)]
    rows += [event(player, 3 + day, topic="b", points=100 - player) for player in range(1, 41) for day in range(3)]
    with warehouse_with(app, rows) as warehouse:
        known = Known(warehouse, at_night(app, base_day=START.date() + dt.timedelta(days=9), cut=FAR))
        features, cohorts, played = past_strength(known)
    assert [m.column for m in measures_of(app)] == ["best__28", "solved__28"]
    strongest = played.filter(player_key=40).sort("cohort").select("cohort", "best__28", "solved__28").rows()
    assert strongest == [("a", 40.0, 2.0), ("b", 60.0, 3.0)]
    model = fit_segments(app, features, cohorts, played, seed=7).model
    for cohort, best in (("a", 40), ("b", 1)):
        judged = judge_cohorts(app, model, played.filter(cohort=cohort))
        order = judged["segment"].replace_strict({name: i for i, name in enumerate(LEVELS)}, return_dtype=pl.Int64)
        assert order[judged["player_key"].to_list().index(best)] == order.max() > 0
    main = assign_segments(app, features, model, cohorts, played)
    assert set(main["judged_as"]) == {"b"}  # played most
    place = main["segment"].replace_strict({name: i for i, name in enumerate(LEVELS)}, return_dtype=pl.Int64)
    assert place[main["player_key"].to_list().index(1)] > place[main["player_key"].to_list().index(40)]


def test_a_player_has_a_segment_in_each_large_cohort_played_and_one_of_them_is_the_main_one():
    app = make_app(cohorts={"by": ["topic"], "min_players": 20}, segments={"features": ["solved"], "score": "points"})
    rows = [event(player, day, topic="a", points=player) for player in range(1, 41) for day in (0, 1)]
    rows += [event(player, 2, topic="b", points=100 - player) for player in range(1, 25)]
    rows += [event(player, 2, topic="rare", points=1) for player in range(1, 6)]
    with warehouse_with(app, rows) as warehouse:
        known = Known(warehouse, at_night(app, base_day=START.date() + dt.timedelta(days=9), cut=FAR))
        main = pl.DataFrame({
            "player_key": list(range(1, 41)), "cohort": ["a"] * 40, "judged_as": ["all"] * 40,
            "segment": ["Expert"] * 40, "posterior": [0.8] * 40,
        })  # fmt: skip
        found = in_each_cohort(known, main)
    assert found.filter("is_main")["player_key"].to_list() == list(range(1, 41))
    assert set(found.filter("is_main")["segment"]) == {"Expert"}
    assert set(found.filter("is_main")["judged_as"]) == {"all"}  # as it was judged, whatever the cohort
    others = found.filter(~pl.col("is_main"))
    assert set(others["cohort"]) == set(others["judged_as"]) == {"b"}
    assert others["player_key"].to_list() == list(range(1, 25))
    assert others.filter(pl.col("player_key") <= 6)["segment"].unique().to_list() == [app.segments.levels[-1]]
    assert others.filter(pl.col("player_key") > 18)["segment"].unique().to_list() == [app.segments.levels[0]]
