"""The odds of badges: labels by hand, the closed form against luck itself, badges never seen, the likeliest few."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.contest.hold import hold_contest
from models.contest.scores import auc
from models.given import Asked
from models.learned import LearnedModel
from models.learners import learner_of
from models.portable import load_model, save_model
from models.tasks.badge_odds import ASKED, HORIZONS, TOLD, BadgeOdds, Commonness, closed_form, commonness
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.learning.past import Past
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import past_days
from pipelines.pins import day_start, make_night
from pipelines.players.snapshots import describe, eligible_players
from tests.academy import SETTINGS, academy
from tests.factories import START, event, known_at, make_app, warehouse_with

DAY = START.date()
BADGES = {"badges": {"ten": {"title": "Ten", "tier": "bronze", "category": "habit", "when": "solved >= 10"}}}


def at(day: int) -> dt.date:
    return DAY + dt.timedelta(days=day)


def test_a_badge_is_asked_about_until_it_is_earned_and_never_of_who_held_it():
    app = make_app(**BADGES)
    plays = {1: range(9), 2: range(0, 60, 3), 3: [*range(5), *range(30, 36)]}  # ten on day 27, and on day 34
    rows = [event(player, day) for player, days in plays.items() for day in days]
    with warehouse_with(app, rows) as warehouse:
        past = Past.of(known_at(warehouse, app, at(80)))
        samples = draw_samples(past, [at(9), at(30)], most=10, seed=1)
        told = BadgeOdds().labels(past, samples).sort("base_day", "player_key", "window_days")
    days = (pl.col("base_day") - DAY).dt.total_days()
    assert told.select(days, "player_key", "window_days", "earned").rows() == [
        *((9, 1, window, False) for window in HORIZONS),
        *((9, 2, window, window == 28) for window in HORIZONS),
        *((9, 3, window, window == 28) for window in HORIZONS),
        *((30, 1, window, False) for window in HORIZONS),
        (30, 3, 7, True),
    ]
    shares = dict(told.select("base_day", "held_by").unique().rows())
    assert shares == {at(9): 0.0, at(30): pytest.approx(1 / 3)}


def test_a_span_that_is_not_over_has_no_label():
    app = make_app(**BADGES)
    with warehouse_with(app, [event(1, day) for day in range(0, 40, 9)]) as warehouse:
        cut = dt.datetime.combine(at(26), dt.time(), dt.UTC)
        past = Past.of(known_at(warehouse, app, at(26), cut))
        told = BadgeOdds().labels(past, draw_samples(past, [at(5), at(12), at(19)], most=10, seed=1))
    spans = (
        told.select((pl.col("base_day") - DAY).dt.total_days(), "window_days").sort("base_day", "window_days").rows()
    )
    assert spans == [(5, 7), (5, 14), (12, 7), (12, 14), (19, 7)]


def test_how_common_a_badge_is_counts_active_players_and_what_they_earned_before():
    players = pl.DataFrame({"player_key": [1, 2, 3, 4], "base_day": [at(40)] * 4})
    earned = pl.DataFrame(
        {"player_key": [1, 2, 3, 9], "badge_id": ["ten"] * 4, "earned_day": [at(2), at(30), at(40), at(1)]}
    )
    assert commonness(players, earned).rows() == [(at(40), "ten", 0.5, 0.25)]


def test_the_closed_form_is_how_often_luck_fills_the_count_and_spans_compose_to_the_whole():
    rows = pl.DataFrame({"window_days": HORIZONS, "missing": [6.0] * 3, "eta_days": [12] * 3})
    hazards = closed_form(rows.with_columns(pl.col("window_days").cast(pl.Int32)))
    rng = np.random.default_rng(0)
    rate = rng.gamma(28 * 6 / 12 + 0.5, 1 / 28, 400_000)  # a day
    for days, chance in zip(HORIZONS, 1 - np.cumprod(1 - hazards), strict=True):
        assert chance == pytest.approx((rng.poisson(rate * days) >= 6).mean(), abs=0.003)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(app, the academy's samples with labels, its players tonight with the badges that they do not hold)."""
    with academy(tmp_path_factory) as (warehouse, loaded):
        app, as_of = loaded.app, SETTINGS.start + dt.timedelta(days=SETTINGS.days)
        past = Past.of(Known(warehouse, make_night(warehouse, app, as_of, day_start(app, as_of))))
        samples = draw_samples(past, past_days(past, past.base_day), most=4000, seed=7)
        labelled = replace(samples, labels=BadgeOdds().labels(past, samples))
        none, players = pl.DataFrame(), describe(past, eligible_players(past, [as_of]))
        return app, labelled, Asked(players, none, none, none, badge_progress(past))


def test_the_closed_form_competes_and_the_winner_beats_what_is_usual(world):
    app, samples, _ = world
    contest = hold_contest(BadgeOdds(), app, samples, seed=7)
    losses = {each.name: each.log_loss for each in contest.entrants}
    assert set(losses) == {"base_rate", "gamma_poisson", "lightgbm", "logistic", "who_and_when", "xgboost"}
    assert contest.faults == ()
    assert contest.gain[1] > 0
    assert losses[contest.chosen] <= losses["gamma_poisson"] < losses["base_rate"]
    told = BadgeOdds().figures(contest.holdout)
    assert told["pr_auc"][0] > 2 * told["earned"]
    of_the_closed_form = told["pr_auc"][0] - told["pr_auc_ahead_of_the_closed_form"][0]
    assert told["earned"] < of_the_closed_form < 1


def test_it_answers_for_badges_that_it_never_saw(world):
    app, samples, _ = world
    task = BadgeOdds()
    assert not {"badge_id", "earned", "player_key"} & set(task.features)
    rows = task.rows(app, samples, Commonness(pl.DataFrame()), seed=7)
    common = rows.filter("earned").group_by("badge_id").len().sort("len", "badge_id")["badge_id"].to_list()
    unseen = pl.col("badge_id").is_in(common[-4:])
    model = LearnedModel(task, task.encoding(app, samples, dt.date.max, seed=7), learner_of("xgboost")())
    test = rows.filter(unseen)
    p = model.fit(rows.filter(~unseen)).predict(test)
    assert auc(test["earned"].to_numpy().astype(float), p) > 0.75


def test_a_model_read_back_says_the_same_and_knows_how_common_badges_were(world, tmp_path):
    app, samples, _ = world
    task = BadgeOdds()
    encoding = task.encoding(app, samples, dt.date.max, seed=7)
    assert encoding.badges["held_by"].is_between(0, 1).all()
    assert encoding.badges["held_by"].max() > 0.2
    rows = task.rows(app, samples, encoding, seed=7).head(3000)
    for name in ("gamma_poisson", "lightgbm"):
        model = LearnedModel(task, encoding, learner_of(name)()).fit(rows)
        save_model(tmp_path / name, model)
        again = load_model(tmp_path / name)
        assert np.array_equal(again.predict(rows), model.predict(rows))
        assert again.encoding.badges.equals(encoding.badges.sort("badge_id"))


def test_the_likeliest_few_are_hardly_ever_beyond_the_badges_that_the_model_is_asked_about(world):
    app, samples, tonight = world
    task = BadgeOdds()
    rows = task.rows(app, samples, Commonness(pl.DataFrame()), seed=7)
    model = LearnedModel(task, task.encoding(app, samples, dt.date.max, seed=7), learner_of("xgboost")()).fit(rows)
    told = {ASKED: task.scores(model, app, tonight)}
    with pytest.MonkeyPatch.context() as patch:
        for most in (TOLD, 10**6):
            patch.setattr("models.tasks.badge_odds.ASKED", most)
            told[most] = task.scores(model, app, tonight)
    whole, pair = told.pop(10**6), ["player_key", "target", "horizon_days"]
    kept = {most: whole.join(each, on=pair, how="semi").height / whole.height for most, each in told.items()}
    assert tonight.badges.group_by("player_key").len()["len"].median() > ASKED
    assert kept[ASKED] >= 0.99
    assert kept[TOLD] < kept[ASKED]  # the model orders them anew
    same = told[ASKED].join(whole, on=pair, suffix="_of_all")
    assert same["probability"].to_list() == same["probability_of_all"].to_list()


class Eager:
    """A model for which the next badge is the one with most progress."""

    encoding = Commonness(pl.DataFrame({"badge_id": ["a"], "held_by": [0.3], "earned_by": [0.1]}))
    untold, usual = (), {}

    def predict(self, rows):
        return 0.3 * rows["progress"].to_numpy()

    def contributions(self, rows):
        moved = {"progress": 1.5, "log_eta": -0.4, "held_by": 0.2}
        return rows.select(pl.repeat(by, pl.len()).alias(name) for name, by in moved.items())


def test_each_player_is_told_the_likeliest_few_with_reasons_and_odds_that_rise_with_the_days():
    badge = {"tier": "bronze", "category": "habit", "when": "solved >= 10"}
    app = make_app(badges={name: badge | {"title": name} for name in "abcde"})
    with warehouse_with(app, [event(player, day) for player in (1, 2) for day in range(30)]) as warehouse:
        features = draw_samples(known_at(warehouse, app, at(30)), [at(30)], most=10, seed=1).features
    progress = {"a": 0.9, "b": 0.57, "c": 0.1, "d": 0.3, "e": 1.0, "gone from the app file": 0.95}
    badges = pl.DataFrame(
        [(player, name, share, 4 if name == "a" else None) for player in (1, 2) for name, share in progress.items()],
        schema={"player_key": pl.Int64, "badge_id": pl.String, "progress": pl.Float64, "eta_days": pl.Int32},
        orient="row",
    )
    none = pl.DataFrame()
    scores = BadgeOdds().explained(Eager(), app, Asked(features, none, none, none, badges))
    assert scores.height == 2 * 3 * len(HORIZONS)
    assert set(scores["target"]) == {"a", "b", "d"}  # e is reached already
    mine = scores.filter(player_key=1, target="a").sort("horizon_days")
    assert mine["probability"].to_list() == pytest.approx([1 - 0.73**n for n in (1, 2, 3)])
    assert mine["days"].to_list() == [28] * 3
    assert mine["reasons"].to_list()[1:] == [None, None]
    assert "57 % of the way" in scores.filter(target="b")["reasons"].drop_nulls()[0]
    assert mine["reasons"][0] == (
        "90 % of the way, 4 days to go at the recent pace (raises it); "
        "held by 30 % of active players when the model was trained (raises it)"
    )
    assert "no recent pace to go by" in scores.filter(player_key=2, target="b", horizon_days=7)["reasons"][0]
