"""Weeks that do not go with a player are told, with what stands out; nobody had to mark any."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.contest.hold import hold_contest
from models.given import Asked, Samples
from models.tasks.anomaly import UNUSUAL, Anomaly
from tests.factories import make_app

APP = make_app()
NONE = pl.DataFrame()


def snapshots(players=120, days=30, *, seed=0):
    """Players who each play at a rate of their own, week after week."""
    rng = np.random.default_rng(seed)
    n = players * days
    rate = np.tile(rng.uniform(0.05, 0.95, players), days)
    active = {k: rng.binomial(k, rate).astype(float) for k in (7, 21, 62)}
    rows = {
        "player_key": np.tile(np.arange(1, players + 1), days),
        "base_day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(day)) for day in np.repeat(np.arange(days), players)],
        "tenure_days": np.full(n, 200.0),
        "active_days_1": rng.binomial(1, rate).astype(float),
    }
    whole = {7: active[7], 28: active[7] + active[21], 90: active[7] + active[21] + active[62]}
    for days_long, value in whole.items():
        rows |= {f"active_days_{days_long}": value, f"events_{days_long}": 3 * value}
        rows |= {f"{metric}__{days_long}": 2 * value for metric in APP.challenges.metrics}
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def contest():
    features = snapshots()
    return hold_contest(Anomaly(), APP, Samples(features, NONE, features), seed=7)


def test_every_second_week_is_put_with_the_weeks_before_of_somebody_else_of_the_same_day():
    features = snapshots(players=9, days=3)
    rows = Anomaly().rows(APP, Samples(features, NONE, NONE), None, seed=7)
    assert rows.height == features.height
    assert rows.group_by("base_day").agg(pl.col("mixed").sum())["mixed"].to_list() == [4, 4, 4]
    mine = rows.join(features, on=["player_key", "base_day"], suffix="_own").with_columns(
        before=pl.col("events_28") - pl.col("events_7_own")
    )
    assert (mine["events_21"] == mine["before"]).all()  # the weeks before are always the player's own
    assert mine.filter(~pl.col("mixed")).select((pl.col("events_7") == pl.col("events_7_own")).all()).item()
    weeks = {day: set(part["events_7"]) for (day,), part in features.partition_by("base_day", as_dict=True).items()}
    assert all(week in weeks[day] for day, week in mine.filter("mixed").select("base_day", "events_7").rows())
    assert not mine.filter("mixed").select((pl.col("events_7") == pl.col("events_7_own")).all()).item()


def test_a_player_alone_on_a_day_keeps_their_week():
    features = snapshots(players=1, days=3)
    assert not Anomaly().rows(APP, Samples(features, NONE, NONE), None, seed=7)["mixed"].any()


def test_who_tells_mixed_weeks_from_true_ones_beats_guessing_and_those_who_know_true_ones_alone_compete(contest):
    alone = {"isolation_forest", "reconstruction"}
    assert {each.name for each in contest.entrants} == {"base_rate", "logistic", "lightgbm"} | alone
    assert contest.faults == ()
    assert contest.gain[1] > 0.05
    assert Anomaly().decide(contest.gain, None).promote


def test_only_an_unusual_week_is_told_and_why(contest):
    tonight = snapshots(players=60, days=1, seed=1)
    alike = pl.col("active_days_28").is_between(10, 16) & pl.col("active_days_7").is_between(2, 4)
    usual = tonight.filter(alike).head(1)
    gone = dict.fromkeys(("active_days_7", "events_7", "active_days_1"), 0.0)
    gone |= {"active_days_28": 21.0, "events_28": 63.0, "active_days_90": 80.0, "events_90": 240.0}
    gone |= {f"{name}__7": 0.0 for name in APP.challenges.metrics}
    gone |= {f"{name}__28": 42.0 for name in APP.challenges.metrics}
    sudden = usual.with_columns(pl.lit(value).alias(name) for name, value in gone.items())
    sudden = sudden.with_columns(player_key=pl.lit(1000, dtype=pl.Int64))
    scores = Anomaly().explained(contest.model, APP, Asked(pl.concat([usual, sudden]), NONE, NONE, NONE))
    assert scores["player_key"].to_list() == [1000]
    assert (scores["horizon_days"][0], scores["band"][0]) == (7, "unusual")
    assert scores["probability"][0] >= UNUSUAL
    assert scores["reasons"][0] == "played on none of the last 7 days, and on 21 of the 21 before (raises it)"
    assert contest.model.learner.name == "lightgbm"  # trees refuse to tell of nobody
    assert Anomaly().scores(contest.model, APP, Asked(usual, NONE, NONE, NONE)).height == 0


def test_the_page_tells_how_often_weeks_are_called_unusual_and_how_often_rightly():
    p = [UNUSUAL, 0.9, 0.95, 0.5, 0.1, 0.2, 0.85]
    holdout = pl.DataFrame({"p": p, "y": [1, 1, 1, 1, 0, 0, 0], "player_key": range(7)})
    told = Anomaly().figures(holdout.cast({"y": pl.Float64}))
    assert [told[name][0] for name in ("rightly_called_unusual", "found_unusual", "false_alarms")] == [
        3 / 4,
        3 / 4,
        1 / 3,
    ]
    none = Anomaly().figures(holdout.with_columns(p=pl.lit(0.5), y=pl.col("y").cast(pl.Float64)))
    assert np.isnan(none["rightly_called_unusual"])
    assert none["false_alarms"][0] == 0


def test_an_app_without_metrics_that_add_up_is_asked_too():
    app = make_app(challenges={"metrics": ["topics"]})  # what both spans have cannot be taken away
    features = snapshots(players=9, days=3)
    rows = Anomaly().ask(app, Asked(features, NONE, NONE, NONE))
    assert rows["most_metric"].null_count() == rows.height
    assert Anomaly().encode(rows, None).select(pl.col(Anomaly.features).is_finite().all()).row(0) == (True,) * len(
        Anomaly.features
    )
