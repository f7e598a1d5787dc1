"""Recommendations: the likeliest mostly, others at times, and each with the chance at which it was chosen."""

import polars as pl
import pytest

from pipelines.players.recommend import MOST, RECOMMENDED, recommend
from tests.pipelines.players.scored import CHANCES, scores


def test_a_thing_is_chosen_as_often_as_its_propensity_says():
    told = recommend(scores(20_000, CHANCES), seed=11)
    first = told.filter(place=1)
    weights = {item: p**2 for item, p in CHANCES.items()}
    for item, weight in weights.items():
        chance = weight / sum(weights.values())
        of_item = first.filter(item=item)
        assert of_item["propensity"].unique().to_list() == pytest.approx([chance])
        assert of_item.height / 20_000 == pytest.approx(chance, abs=0.01)
    second = told.filter(place=2).join(first.filter(item="a").select("player_key"), on="player_key", how="semi")
    given_a = weights["b"] / (sum(weights.values()) - weights["a"])
    assert second.filter(item="b")["propensity"].unique().to_list() == pytest.approx([given_a])
    assert second.filter(item="b").height / second.height == pytest.approx(given_a, abs=0.01)


def test_nobody_is_told_a_thing_twice_nor_more_than_the_most_of_a_kind():
    badges = scores(50, {"gold": 0.5, "silver": 0.1}, "badge_odds", 14)
    other = scores(50, {"gold": 0.9}, "badge_odds", 28)  # another horizon
    told = recommend(pl.concat([scores(50, CHANCES), badges, other]), seed=1)
    assert told.schema == pl.Schema(RECOMMENDED)
    assert not told.select("player_key", "kind", "item").is_duplicated().any()
    counts = told.group_by("kind").agg(each=pl.len() / 50, places=pl.col("place").max()).sort("kind").rows()
    assert counts == [("badge", 2.0, 2), ("metric", float(MOST), MOST)]


def test_the_same_night_recommends_the_same_and_another_does_not():
    rows = scores(200, CHANCES)
    assert recommend(rows, seed=5).equals(recommend(rows.sample(fraction=1, shuffle=True, seed=1), seed=5))
    assert not recommend(rows, seed=5).equals(recommend(rows, seed=6))


def test_nothing_is_recommended_where_nothing_is_scored():
    assert recommend(scores(0, CHANCES), seed=1).is_empty()
    sure = recommend(scores(3, {"a": 1.0, "b": 0.0}), seed=1)
    assert sure.filter(place=1)["item"].unique().to_list() == ["a"]
    assert sure["propensity"].is_between(0, 1).all()
