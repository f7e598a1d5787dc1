"""How engaged a player will be: levels by hand, chances that add up, persistence as a rival, the page's figures."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from configs.errors import AppFileError
from configs.loader import load_app
from models.contest.hold import hold_contest
from models.given import Asked, Samples
from models.learned import LearnedModel
from models.learners import learner_of
from models.portable import load_model, save_model
from models.tasks.engagement import HORIZONS, Engagement, Levels, exactly, level_told, macro_f1, quadratic_kappa
from pipelines.known import Known
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import past_days
from pipelines.pins import day_start, make_night
from tests.academy import SETTINGS, academy
from tests.factories import START, event, known_at, make_app, warehouse_with
from tests.flows.world import write_app

DAY = START.date()
NAMES = ["inactive", "low", "medium", "high", "legendary"]
CUTS = Levels({7: (5, 10, 20), 28: (20, 40, 80)})


def at(day: int) -> dt.date:
    return DAY + dt.timedelta(days=day)


def solved(player: int, day: int, times: int) -> list[dict]:
    return [event(player, day + hour / 24, points=2.0) for hour in range(times)]


@pytest.mark.parametrize(("metric", "factor"), [(None, 1), ("solved", 1), ("points", 2)])
def test_a_level_is_reached_by_what_the_metric_comes_to_and_the_second_by_any_play(metric, factor):
    app = make_app(engagement={"metric": metric} if metric else {})
    rows = [each for day in range(0, 60, 3) for each in (*solved(1, day, 1), *solved(2, day, 4))]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, at(60), dt.datetime.combine(at(60), dt.time(), dt.UTC))
        samples = draw_samples(known, [at(30), at(45)], most=10, seed=1)
        samples = replace(samples, labels=Engagement().labels(known, samples))
    asked = Engagement().rows(app, samples, CUTS, seed=1)
    assert dict(asked.group_by("base_day").agg(pl.col("window_days").max()).rows()) == {at(30): 28, at(45): 7}
    first = asked.filter(base_day=at(30), window_days=7).sort("level")
    assert first.filter(player_key=1)["value"][0] == 3 * factor
    assert first.filter(player_key=1)["reached"].to_list() == [True, 3 * factor >= 5, False, False]
    assert first.filter(player_key=2)["reached"].to_list() == [True, True, True, 12 * factor >= 20]


def test_nobody_who_stays_away_reaches_a_level():
    app = make_app()
    with warehouse_with(app, [each for day in range(20) for each in solved(1, day, 3)]) as warehouse:
        known = known_at(warehouse, app, at(60))
        samples = draw_samples(known, [at(25)], most=10, seed=1)
        samples = replace(samples, labels=Engagement().labels(known, samples))
    assert not Engagement().rows(app, samples, CUTS, seed=1)["reached"].any()


def test_cuts_that_the_app_file_does_not_set_are_learnt_from_windows_that_were_over():
    day = dt.date(2024, 1, 1)
    labels = pl.DataFrame(
        {
            "window_days": [7] * 101 + [28] * 101,
            "start_day": [day] * 100 + [day + dt.timedelta(days=90)] + [day] * 101,
            "value": [*range(1, 101), 10**6, *range(2, 204, 2)],
            "played": True,
        }
    )
    learnt = Engagement().encoding(make_app(), Samples(labels, labels, labels), day + dt.timedelta(days=60), seed=1)
    assert learnt.cuts[7] == (61, 85, 94)
    assert learnt.cuts[28] == pytest.approx((122, 170, 190), abs=4)
    said = make_app(engagement={"cuts": [3, 6, 9]})
    assert Engagement().encoding(said, Samples(labels, labels, labels), day, seed=1).cuts == {
        7: (3, 6, 9),
        28: (12, 24, 36),
    }
    assert Engagement().lacks(said, learnt) == "other engagement levels"
    assert Engagement().lacks(make_app(), learnt) == ""
    assert Engagement().lacks(make_app(engagement={"levels": ["idle", "there"]}), learnt) != ""


@pytest.mark.parametrize("cuts", [[3, 2, 9], [3, 6], [1, 1, 2]])
def test_cuts_that_do_not_rise_or_are_not_as_many_as_levels_are_refused(cuts, tmp_path):
    with pytest.raises(AppFileError, match="cuts must rise strictly, and be 3 for 5 levels"):
        load_app(str(write_app(tmp_path, engagement={"cuts": cuts})))


class Fixed:
    """A model with the same nested chances for everybody."""

    encoding = CUTS
    untold, usual = (), {}

    def __init__(self, *at_least: float) -> None:
        self.at_least = at_least

    def predict(self, rows):
        return np.tile(self.at_least, rows.height // len(self.at_least))

    def contributions(self, rows):
        moved = {"over_28": -1.0, "log_recency": 0.5, "level": 3.0}
        return rows.select(pl.repeat(value, pl.len()).alias(name) for name, value in moved.items())


@pytest.mark.parametrize(
    ("at_least", "exact", "band"),
    [
        ((0.9, 0.6, 0.2, 0.1), (0.1, 0.3, 0.4, 0.1, 0.1), "medium"),
        ((0.3, 0.4, 0.2, 0.1), (0.7, 0.0, 0.1, 0.1, 0.1), "inactive"),
    ],
)
def test_chances_of_levels_add_up_and_reasons_are_those_of_the_likeliest(at_least, exact, band):
    app, none = make_app(engagement={"metric": "solved"}), pl.DataFrame()
    rows = [each for day in range(0, 30, 2) for player in (1, 2) for each in solved(player, day, player)]
    with warehouse_with(app, rows) as warehouse:
        features = draw_samples(known_at(warehouse, app, at(30)), [at(30)], most=10, seed=1).features
    scores = Engagement().explained(Fixed(*at_least), app, Asked(features, none, none, none))
    for days in HORIZONS:
        mine = scores.filter(player_key=2, horizon_days=days)
        chances = dict(mine.select("target", "probability").rows())
        assert chances == pytest.approx(dict(zip(NAMES, exact, strict=True)))
        assert set(mine["band"]) == {band}
        (told,) = mine.drop_nulls("reasons").select("target", "reasons").rows()
        assert told[0] == band
        assert told[1].startswith(
            "puzzles solved: 28 in the last 28 days, 6 in the last 7 (towards a lower level); last played 2"
        )


def test_figures_are_those_of_the_field():
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 5, 400), rng.integers(0, 5, 400)
    assert macro_f1(truth, said) == pytest.approx(f1_score(truth, said, average="macro"))
    assert quadratic_kappa(truth, said, 5) == pytest.approx(cohen_kappa_score(truth, said, weights="quadratic"))
    assert np.allclose(exactly(np.array([0.5, 0.2, 0.3, 0.4]), 2), [[0.5, 0.3, 0.2], [0.7, 0.0, 0.3]])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(app, the academy's samples with labels)."""
    with academy(tmp_path_factory) as (warehouse, loaded):
        app, as_of = loaded.app, SETTINGS.start + dt.timedelta(days=SETTINGS.days)
        known = Known(warehouse, make_night(warehouse, app, as_of, day_start(app, as_of)))
        samples = draw_samples(known, past_days(known, known.base_day), most=4000, seed=7)
        return app, replace(samples, labels=Engagement().labels(known, samples))


def test_persistence_and_a_random_forest_compete_and_the_winner_beats_persistence(world):
    app, samples = world
    contest = hold_contest(Engagement(), app, samples, seed=7)
    losses = {each.name: each.log_loss for each in contest.entrants}
    assert set(losses) == {
        *("base_rate", "persistence", "logistic", "lightgbm", "random_forest", "two_views", "xgboost")
    }
    assert contest.faults == ()
    assert contest.gain[1] > 0
    assert losses[contest.chosen] <= losses["persistence"] < losses["base_rate"] - 0.05
    told = Engagement().figures(contest.holdout)
    assert 0 < told["macro_f1"][1] < told["macro_f1"][0] < told["macro_f1"][2] < 1
    assert told["quadratic_kappa"][0] > 0.2
    assert told["log_loss_of_levels"][0] < np.log(5)


def test_a_forest_read_back_says_the_same(world, tmp_path):
    app, samples = world
    task = Engagement()
    encoding = task.encoding(app, samples, dt.date.max, seed=7)
    rows = task.rows(app, samples, encoding, seed=7).head(4000)
    model = LearnedModel(task, encoding, learner_of("random_forest")(trees=5)).fit(rows).calibrate(rows)
    save_model(tmp_path / "engagement", model)
    again = load_model(tmp_path / "engagement")
    assert np.array_equal(again.predict(rows), model.predict(rows))
    assert again.encoding.cuts == encoding.cuts


def test_the_level_told_is_the_one_that_stands_out_against_how_usual_it_is(tmp_path):
    usual, chances = (
        np.array([[0.5, 0.36, 0.1, 0.04]] * 3),
        [[0.5, 0.36, 0.1, 0.04], [0.6, 0.3, 0.05, 0.05], [0.7, 0.1, 0.1, 0.1]],
    )
    assert level_told(np.array(chances), usual).tolist() == [0, 0, 0]
    assert level_told(np.array([[0.4, 0.25, 0.1, 0.25]]), usual[:1]).tolist() == [3]
    assert level_told(np.array(chances), np.full((3, 4), 0.25)).tolist() == np.argmax(chances, axis=1).tolist()
    day = dt.date(2024, 1, 1)
    labels = pl.DataFrame(
        {"window_days": 7, "start_day": day, "value": [0.0, 1, 6, 11, 21], "played": [False] + [True] * 4}
    )
    app = make_app(engagement={"cuts": [5, 10, 20]})
    learnt = Engagement().encoding(app, Samples(labels, labels, labels), day + dt.timedelta(days=60), seed=1)
    assert learnt.usual[7] == pytest.approx((0.8, 0.6, 0.4, 0.2))
    learnt.to_files(tmp_path)
    assert Levels.from_files(tmp_path).usual == learnt.usual
    (tmp_path / "usual.json").unlink()
    assert Levels.from_files(tmp_path).usual == Levels(learnt.cuts).usual
