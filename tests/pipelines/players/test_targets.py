import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.warehouse import scratch
from pipelines.engines.laid import Laid
from pipelines.players.standing import FEWEST_PLAYERS
from pipelines.players.targets import nearest_targets, set_targets, targets_of_some
from tests.factories import APP as TOY
from tests.factories import make_app
from tests.pipelines.asks import asks_of
from tests.pipelines.challenges.strength import at_night, feature_rows, one_cohort

METRICS = {
    **TOY["metrics"],
    "fastest": {"event": "solve", "agg": "min", "of": "points", "better": "lower", "task": "Finish in {goal}"},
}
APP = make_app(metrics=METRICS, challenges={"metrics": ["solved", "topics", "fastest"]})
NONE = pl.DataFrame(schema={"player_key": pl.Int64})


def of(targets: pl.DataFrame, player: int, metric: str) -> pl.DataFrame:
    return targets.filter((pl.col("player_key") == player) & (pl.col("metric") == metric))


def next_of(targets: pl.DataFrame, player: int, metric: str) -> float | None:
    found = of(targets, player, metric).filter("is_next")["value"].to_list()
    assert len(found) <= 1
    return found[0] if found else None


def profiles_of(features: pl.DataFrame, *opted_out: int) -> pl.DataFrame:
    return features.select(
        "player_key",
        user_id=pl.format("user{}", "player_key"),
        persona=pl.lit("SCHOLAR"),
        language=pl.lit("en"),
        opted_out=pl.col("player_key").is_in(list(opted_out)),
    )


def ask(features: pl.DataFrame, unlikely: pl.DataFrame = NONE, opted_out: tuple[int, ...] = (), app=APP, **night):
    targets = set_targets(app, features, one_cohort(features))
    with scratch() as warehouse:
        asks = asks_of(
            warehouse,
            at_night(app, **night),
            features,
            profiles_of(features, *opted_out),
            targets=targets,
            unlikely=unlikely,
        )
    return asks.sort("player_key")


values = st.lists(st.one_of(st.none(), st.integers(0, 50).map(float)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(values, st.sampled_from(["solved", "fastest"]))
def test_percentiles_get_harder_and_the_next_is_the_smallest_beyond_ones_own(own, metric):
    sign = 1 if metric == "solved" else -1
    features = feature_rows(APP, len(own), **{f"{metric}__28": pl.Series(own, dtype=pl.Float64)})
    targets = set_targets(APP, features, one_cohort(features))
    known = [v for v in own if v is not None]
    for player, mine in enumerate(own, start=1):
        ladder = of(targets, player, metric).sort("percentile")
        reached = [sign * v for v in ladder["value"]]
        assert reached == sorted(reached)
        assert set(ladder["value"]) <= set(known)
        least = min((sign * v for v in known), default=0.0)
        beyond = [v for v in reached if v > (least if mine is None else sign * mine)]
        found = next_of(targets, player, metric)
        assert (None if found is None else sign * found) == (min(beyond) if beyond else None)


def test_of_percentiles_that_come_to_the_same_the_highest_is_next():
    features = feature_rows(APP, 40, solved__28=[0.0] * 8 + [1.0] * 24 + [2.0] * 8)
    ladder = of(set_targets(APP, features, one_cohort(features)), 1, "solved")
    assert dict(ladder.select("percentile", "value").iter_rows()) == {25: 1.0, 50: 1.0, 75: 1.0, 90: 2.0, 95: 2.0}
    assert ladder.filter("is_next")["percentile"].to_list() == [75]


@settings(max_examples=40, deadline=None)
@given(values.filter(any))
def test_at_least_the_named_share_of_players_do_not_exceed_a_percentile(own):
    features = feature_rows(APP, len(own), solved__28=pl.Series(own, dtype=pl.Float64))
    known = [v for v in own if v is not None]
    for row in of(set_targets(APP, features, one_cohort(features)), 1, "solved").iter_rows(named=True):
        share = sum(v <= row["value"] for v in known) / len(known)
        assert share >= row["percentile"] / 100 - 1e-9


def test_who_is_compared_with_whom_is_the_segment_where_it_is_large_enough():
    features = feature_rows(APP, 60, solved__28=[float(v) for v in range(60)])
    weak = pl.col("player_key") <= 30
    segments = one_cohort(features).with_columns(segment=pl.when(weak).then(pl.lit("low")).otherwise(pl.lit("high")))
    targets = set_targets(APP, features, segments)
    assert of(targets, 1, "solved")["value"].max() <= 29
    assert of(targets, 60, "solved")["value"].min() >= 30


def banded(levels: dict[str, tuple[int, int]]):
    segments = {"features": ["solved"], "score": "points", "levels": list(levels), "bands": levels}
    return make_app(metrics=METRICS, challenges={"metrics": ["solved"]}, segments=segments)


def test_with_bands_a_level_aims_for_its_own_percentiles_of_the_whole_cohort():
    app = banded({"low": (25, 50), "high": (75, 95)})
    features = feature_rows(app, 100, solved__28=[float(v) for v in range(100)])
    weak = pl.col("player_key") <= 50
    segments = one_cohort(features).with_columns(segment=pl.when(weak).then(pl.lit("low")).otherwise(pl.lit("high")))
    targets = set_targets(app, features, segments)
    assert dict(of(targets, 1, "solved").select("percentile", "value").iter_rows()) == {25: 25.0, 50: 50.0}
    assert dict(of(targets, 60, "solved").select("percentile", "value").iter_rows()) == {75: 75.0, 90: 90.0, 95: 95.0}
    assert (next_of(targets, 1, "solved"), next_of(targets, 60, "solved")) == (25.0, 75.0)


def test_who_is_beyond_the_band_of_the_level_aims_for_what_lies_above_it():
    app = banded({"low": (25, 50), "high": (75, 95)})
    features = feature_rows(app, 100, solved__28=[float(v) for v in range(100)])
    targets = set_targets(app, features, one_cohort(features, segment="low"))
    assert next_of(targets, 81, "solved") == 90.0
    assert next_of(targets, 50, "solved") == 50.0


@pytest.mark.parametrize(
    ("bands", "says"),
    [({"low": (25, 50)}, "each level once"), ({"low": (25, 50), "high": (75, 99)}, "band of high"),
     ({"low": (50, 25), "high": (75, 90)}, "band of low")],
)  # fmt: skip
def test_bands_that_fit_no_level_or_percentile_are_refused(bands, says):
    with pytest.raises(ValueError, match=says):
        make_app(segments={"features": ["solved"], "score": "points", "levels": ["low", "high"], "bands": bands})


def test_a_small_segment_is_compared_with_its_cohort():
    features = feature_rows(APP, 60, solved__28=[float(v) for v in range(60)])
    few = pl.col("player_key") > 60 - FEWEST_PLAYERS + 1
    segments = one_cohort(features).with_columns(segment=pl.when(few).then(pl.lit("high")).otherwise(pl.lit("low")))
    targets = set_targets(APP, features, segments)
    assert of(targets, 60, "solved")["value"].min() < 30


def test_a_small_cohort_is_compared_with_everyone():
    features = feature_rows(APP, 60, solved__28=[float(v) for v in range(60)])
    segments = one_cohort(features).with_columns(
        judged_as=pl.when(pl.col("player_key") > 55).then(pl.lit("rare")).otherwise(pl.lit("all")),
        cohort=pl.when(pl.col("player_key") > 55).then(pl.lit("rare")).otherwise(pl.lit("all")),
    )
    ladder = of(set_targets(APP, features, segments), 60, "solved")
    assert set(ladder["cohort"]) == {"rare"}
    assert set(ladder["judged_as"]) == {"all"}
    assert ladder["value"].min() < 30


def test_a_metric_that_nobody_has_a_value_of_has_no_targets():
    features = feature_rows(APP, 30, fastest__28=pl.Series([None] * 30, dtype=pl.Float64))
    assert "fastest" not in set(set_targets(APP, features, one_cohort(features))["metric"])


def test_a_target_has_the_digits_of_what_was_done():
    shown = pl.Series([470.6, 352.2, 92.9, 27.3] * 10).cast(pl.Float32).cast(pl.Float64)
    targets = set_targets(APP, feature_rows(APP, 40, solved__28=shown), one_cohort(feature_rows(APP, 40)))
    assert set(of(targets, 1, "solved")["value"]) <= {470.6, 352.2, 92.9, 27.3}
    assert next_of(targets, 1, "solved") is None
    assert next_of(targets, 2, "solved") == 470.6


def test_what_any_deed_comes_to_is_nobodys_target():
    features = feature_rows(APP, 40, fastest__28=pl.Series([None] * 5 + [9.0] * 25 + [5.0] * 10))
    assert next_of(set_targets(APP, features, one_cohort(features)), 1, "fastest") == 5.0
    alike = feature_rows(APP, 40, fastest__28=pl.Series([None] * 5 + [9.0] * 35))
    assert next_of(set_targets(APP, alike, one_cohort(alike)), 1, "fastest") is None


def test_targets_do_not_depend_on_how_many_players_are_laid_out_at_once(monkeypatch, tmp_path):
    features = feature_rows(APP, 31, solved__28=pl.int_range(31, eager=True).cast(pl.Float64)).sample(
        fraction=1.0, shuffle=True, seed=1
    )
    whole = set_targets(APP, features, one_cohort(features))
    monkeypatch.setattr("pipelines.players.targets.AT_ONCE", 4)
    assert set_targets(APP, features, one_cohort(features)).equals(whole)
    laid = Laid(targets_of_some(APP, features, one_cohort(features), features["player_key"]), tmp_path)
    assert sum(1 for _ in laid.parts()) == 8
    nearest = [nearest_targets(at_night(APP), features, targets) for targets in (whole, laid)]
    assert nearest[0].equals(nearest[1])
    assert nearest[0].height > 4


def test_an_unknown_own_value_lies_with_the_least():
    features = feature_rows(APP, 30, fastest__28=pl.Series([None, *map(float, range(1, 30))]))
    targets = set_targets(APP, features, one_cohort(features))
    assert next_of(targets, 1, "fastest") == of(targets, 1, "fastest")["value"].max()


def test_targets_have_the_types_of_the_published_table_with_names_as_numbers_until_then():
    targets = set_targets(APP, feature_rows(APP, 30), one_cohort(feature_rows(APP, 30)))
    assert isinstance(targets.schema["cohort"], pl.Enum)
    assert isinstance(targets.schema["metric"], pl.Enum)
    assert targets.with_columns(pl.col("cohort", "judged_as", "metric").cast(pl.String)).schema == {
        "player_key": pl.Int64(),
        "cohort": pl.String(),
        "judged_as": pl.String(),
        "metric": pl.String(),
        "percentile": pl.Int32(),
        "value": pl.Float64(),
        "is_next": pl.Boolean(),
    }
    assert targets.select("player_key", "cohort", "metric", "percentile").is_unique().all()
    assert set(targets["percentile"]) == set(APP.segments.percentiles)


def test_players_who_opted_out_are_never_written_to():
    unlikely = pl.DataFrame({"player_key": [3, 4]})
    assert set(ask(feature_rows(APP, 30), unlikely, opted_out=(3, 7))["player_key"]) == set(range(1, 31)) - {3, 7}


def test_the_unlikely_are_asked_back_without_a_goal_and_the_others_told_their_next_one():
    found = ask(feature_rows(APP, 30), pl.DataFrame({"player_key": [2, 5]}))
    back = found.filter(pl.col("content_type") == "come_back_message")
    assert back["player_key"].to_list() == [2, 5]
    assert back.select("metric", "goal", "percentile").null_count().row(0) == (2, 2, 2)
    others = found.filter(pl.col("content_type") == "motivational_message")
    assert others.height == 28
    assert others.head(20)["goal"].null_count() == 0


def test_the_nearest_target_is_the_one_with_the_smallest_relative_gap():
    solved, topics = [80.0] * 7 + [100.0] * 23, [1.0] * 7 + [9.0] * 23
    fastest = pl.Series([None] * 30, dtype=pl.Float64)
    features = feature_rows(APP, 30, solved__28=solved, topics__28=topics, fastest__28=fastest)
    found = ask(features).head(7)
    assert found.select("metric", "goal").rows() == [("solved", 100.0)] * 7


def test_a_goal_is_always_ahead_of_the_player():
    features = feature_rows(APP, 80, fastest__28=[float(v % 17 + 1) for v in range(80)])
    found = ask(features).drop_nulls("goal").join(features, on="player_key")
    for row in found.iter_rows(named=True):
        own = row[f"{row['metric']}__28"]
        assert row["goal"] < own if row["metric"] == "fastest" else row["goal"] > own


def test_who_is_beyond_every_target_still_gets_a_message():
    features = feature_rows(APP, 30, fastest__28=pl.Series([None] * 30, dtype=pl.Float64))
    best = ask(features).filter(pl.col("player_key") == 30).row(0, named=True)
    assert best["content_type"] == "motivational_message"
    assert best["metric"] is best["goal"] is best["percentile"] is None


def test_ids_are_the_same_again_and_new_for_another_night_kind_or_revision():
    features = feature_rows(APP, 30)
    first = ask(features)
    assert ask(features).equals(first)
    back = ask(features, features.select("player_key"))
    later = [ask(features, revision=2), ask(features, as_of=at_night(APP).as_of.replace(day=2)), back]
    ids = pl.concat([first["content_id"], *(other["content_id"] for other in later)])
    assert ids.n_unique() == 4 * 30


def test_scores_that_are_not_challenges_carry_targets_but_no_message():
    app = make_app(challenges={"metrics": ["solved"]})
    features = feature_rows(app, 30)
    assert set(set_targets(app, features, one_cohort(features))["metric"]) == {"solved", "points"}
    assert set(ask(features, app=app)["metric"].drop_nulls()) == {"solved"}


def test_a_player_away_for_an_unknown_time_counts_as_long_away():
    features = feature_rows(APP, 30).with_columns(recency_days=pl.lit(None, dtype=pl.Float64))
    assert ask(features)["recency_days"].to_list() == [90] * 30


@pytest.mark.parametrize("column", ["content_id", "player_key", "content_type", "persona", "language", "recency_days"])
def test_every_message_has_what_the_writer_needs(column):
    assert ask(feature_rows(APP, 30))[column].null_count() == 0
