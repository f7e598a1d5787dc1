"""What content types plan rests on the players, not on how they are cut."""

import gc
import weakref

import numpy as np
import polars as pl

from data.warehouse import scratch
from pipelines.engines.buckets import Buckets
from pipelines.engines.laid import Laid
from pipelines.night.wanted import gather
from pipelines.players.targets import set_targets, targets_of_some
from pipelines.words.content_type import Asking
from tests.factories import make_app
from tests.pipelines.asks import asks_of, profiles_of
from tests.pipelines.challenges.strength import at_night, feature_rows, one_cohort

TYPES = ["come_back_message", "motivational_message", "personal_coaching", "social_prompt", "tutorial"]
APP = make_app(content={"types": TYPES, "social_metrics": ["topics"]})


def test_messages_are_the_same_however_many_buckets_players_lie_in(tmp_path):
    played = np.random.default_rng(3).poisson(20.0, (8, 90)).astype(float)
    names = [f"{metric}__{days}" for metric in ("solved", "points", "topics", "days") for days in ("28", "7")]
    features = feature_rows(APP, 90, **dict(zip(names, played, strict=True)))
    segments, unlikely = one_cohort(features), features.select("player_key").head(9)
    liked = pl.when(pl.col("player_key") % 3 == 0).then(pl.lit("topics"))
    profiles = profiles_of(features).with_columns(preferred_content=liked)
    targets = set_targets(APP, features, segments)
    with scratch() as warehouse:
        given = (warehouse, at_night(APP))
        told = {"unlikely": unlikely}
        whole = asks_of(*given, features, profiles, targets=targets, **told)
        for count in (2, 16):
            laid = Buckets(count, folder=tmp_path).lay(features)
            lying = Laid(targets_of_some(APP, laid, segments, features["player_key"].reverse()), tmp_path)
            assert asks_of(*given, laid, profiles, targets=lying, **told).equals(whole)
    assert set(whole["content_type"]) == set(TYPES)


def test_nobody_is_called_back_to_what_they_have_come_to_the_end_of():
    features = feature_rows(APP, 30, ended=pl.Series([1.0, 0.0] * 15))
    with scratch() as warehouse:
        asked = asks_of(warehouse, at_night(APP), features, profiles_of(features).with_columns(
            preferred_content=pl.lit(None, pl.String)), targets=set_targets(APP, features, one_cohort(features)),
            unlikely=features.select("player_key").head(6))  # fmt: skip
    called = asked.filter(content_type="come_back_message")
    assert called["player_key"].to_list() == [2, 4, 6]
    assert not {1, 3, 5} & set(asked["player_key"])


def test_what_types_plan_from_does_not_stay_in_memory_until_somebody_collects_it():
    idle, left = APP.model_copy(update={"content": APP.content.model_copy(update={"types": ()})}), []

    def asking(rows):
        told = Asking(*[None] * 9, rows)
        left.append(weakref.ref(told))
        return told

    gc.disable()
    try:
        gather(idle, asking, pl.DataFrame(schema={"player_key": pl.Int64}))
        assert [told() for told in left] == [None]
    finally:
        gc.enable()
