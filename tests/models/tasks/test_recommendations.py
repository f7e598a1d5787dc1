"""What suits whom next: labels by hand, neighbours as features and rivals, the likeliest few told with reasons."""

import datetime as dt
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest

from models.contest.hold import hold_contest
from models.contest.kinds import kinds_of
from models.given import Asked
from models.portable import load_model, save_model
from models.tasks.recommendations import HORIZON, TOLD, Items, Recommendations, items_of
from pipelines.learning.samples import draw_samples
from tests.factories import START, event, known_at, make_app, warehouse_with

DAY = START.date()
TASK = Recommendations()
EVENTS = {name: {"properties": {"points": "number"}} for name in ("sing", "dance", "paint", "draw")}
CLUB = {
    "events": EVENTS,
    "metrics": {
        **{f"{name}s": {"event": name, "unit": "round", "task": f"{name.title()} {{goal}}"} for name in EVENTS},
        "days": {"agg": "days", "unit": "day", "task": "Come back on {goal}"},
    },
    "segments": {"features": ["sings", "draws"], "score": "sings"},
    "challenges": {"metrics": ["sings", "dances", "paints", "draws", "days"]},
}


def at(day: int) -> dt.date:
    return DAY + dt.timedelta(days=day)


@pytest.fixture(name="club", scope="module")
def _club():
    """(app, samples): 60 players of whom one half sings and dances and the other paints and draws, on most days."""
    app, rng = make_app(**CLUB), np.random.default_rng(5)
    rows = []
    for player in range(60):
        taste = ("sing", "dance") if player % 2 else ("paint", "draw")
        days = np.flatnonzero(rng.random(120) < 0.3)
        rows += [event(player, int(day), taste[int(rng.random() < 0.5)]) for day in days]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, at(120), dt.datetime.combine(at(120), dt.time(), dt.UTC))
        samples = draw_samples(known, [at(day) for day in range(30, 113, 6)], most=4000, seed=1)
        return app, replace(samples, labels=TASK.labels(known, samples))


def test_what_is_asked_about_is_what_challenges_ask_for_but_days():
    assert items_of(make_app(**CLUB)) == ("sings", "dances", "paints", "draws")
    assert items_of(make_app()) == ("solved", "points", "topics")


def test_a_thing_is_done_when_the_week_from_the_day_on_holds_any_of_it():
    app = make_app(**CLUB)
    rows = [event(1, 20, "sing"), event(1, 36.9, "sing"), event(1, 29.4, "paint"), event(2, 25, "draw")]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, at(60), dt.datetime.combine(at(60), dt.time(), dt.UTC))
        samples = draw_samples(known, [at(30), at(58)], most=10, seed=1)
        labels = TASK.labels(known, samples)
    assert set(labels["base_day"]) == {at(30)}, "the week of the other is not over"
    assert labels.filter("done").select("player_key", "item").rows() == []
    with warehouse_with(app, [*rows, event(1, 35.5, "sing"), event(1, 36.4, "paint")]) as warehouse:
        known = known_at(warehouse, app, at(60), dt.datetime.combine(at(60), dt.time(), dt.UTC))
        labels = TASK.labels(known, draw_samples(known, [at(30)], most=10, seed=1))
    assert sorted(labels.filter("done").select("player_key", "item").rows()) == [(1, "paints"), (1, "sings")]


def test_features_are_the_players_own_and_what_neighbours_say(club):
    app, samples = club
    encoding = TASK.encoding(app, samples, at(80), seed=1)
    rows = TASK.encode(TASK.rows(app, samples, encoding, seed=1), encoding)
    assert rows.select(TASK.features[-8:]).cast(pl.Float64).to_numpy().any(axis=0).all(), "none is always 0"
    singers = rows.filter((pl.col("player_key") % 2 == 1) & (pl.col("own_28") == 0))
    means = {item: singers.filter(item=item)[["knn", "ease", "als"]].mean().row(0) for item in ("dances", "draws")}
    assert all(near > far for near, far in zip(means["dances"], means["draws"], strict=True))
    one = rows.filter(item="sings")
    assert one["lately"].str.json_decode(pl.List(pl.Float64)).list.get(0).equals(one["own_28"], check_names=False)


def test_the_encoding_looks_at_snapshots_of_days_before_alone(club):
    app, samples = club
    early = replace(samples, features=samples.features.filter(pl.col("base_day") < at(60)))
    one, other = (TASK.encoding(app, each, at(60), seed=1) for each in (samples, early))
    for name in ("scale", "popularity", "alike", "weights", "factors"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_neighbours_and_popularity_compete_and_the_winner_ranks_better(club, tmp_path):
    app, samples = club
    contest = hold_contest(TASK, app, samples, seed=7)
    losses = {each.name: each.log_loss for each in contest.entrants}
    assert {"popularity", "item_knn", "ease", "als", "logistic"} <= losses.keys()
    assert losses[contest.chosen] < losses["item_knn"] < losses["popularity"]
    told = TASK.figures(contest.holdout)
    assert told["ndcg_at_3_ahead_of_popularity"][1] > 0
    assert told["recall_at_3_ahead_of_popularity"][1] > 0
    assert told["coverage_at_3"] == 1.0
    save_model(tmp_path / "model", contest.model)
    again, rows = load_model(tmp_path / "model"), contest.holdout.drop("y", "p")
    assert np.array_equal(again.predict(rows), contest.model.predict(rows))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    assert np.allclose(again.predict(shuffled[:7]), contest.model.predict(shuffled)[:7]), "a row stands for itself"

    none = pl.DataFrame()
    tonight = samples.features.filter(pl.col("base_day") == at(108)).unique("player_key")
    scores = TASK.scores(contest.model, app, Asked(tonight, none, none, none))
    assert scores.group_by("player_key").len()["len"].max() == min(TOLD, 4)
    assert set(scores["horizon_days"]) == {HORIZON}
    first = scores.sort("probability", descending=True).unique("player_key", keep="first", maintain_order=True)
    taste = pl.when(pl.col("player_key") % 2 == 1).then(pl.lit("sings,dances")).otherwise(pl.lit("paints,draws"))
    assert first.select(taste.str.split(",").list.contains(pl.col("target")).mean()).item() > 0.95


def test_a_model_of_other_metrics_is_told_as_outdated(club):
    app, samples = club
    encoding = TASK.encoding(app, samples, at(80), seed=1)
    assert TASK.lacks(app, encoding) == ""
    other = make_app(**{**CLUB, "challenges": {"metrics": ["sings", "draws", "days"]}})
    assert TASK.lacks(other, encoding) == "other metrics of challenges"


def test_nothing_known_is_nothing_recommended():
    encoding = Items.learned(["sings", "draws"], np.zeros((0, 2)))
    assert encoding.popularity.tolist() == [0, 0]
    with warehouse_with(make_app(challenges={"metrics": ["days"]}), [event(1, 3)]) as warehouse:
        known = known_at(warehouse, make_app(challenges={"metrics": ["days"]}), at(9))
        samples = draw_samples(known, [at(5)], most=10, seed=1)
        asked = Asked(samples.features, *(pl.DataFrame(),) * 3)
        assert TASK.ask(known.app, asked).is_empty()


def test_each_thing_is_a_kind_of_question_by_its_name_for_people(club):
    app, samples = club
    rows = TASK.rows(app, samples, TASK.encoding(app, samples, at(120), seed=0), seed=0)
    kinds = kinds_of(rows, TASK.sorts, partial(TASK.sort_called, app))
    assert {app.called(name) for name in items_of(app)} <= set(kinds)
    assert "window of 7 days" not in kinds
