"""What players reach: shrunk records, a boosted model that falls as the target rises, calibrated promises."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.calibration import logits
from models.contest.scores import calibration_error, log_loss
from models.learned import LearnedModel
from models.learners import learner_of
from models.learners.empirical_bayes import EmpiricalBayes
from models.menus import ask_menu
from models.portable import load_model, save_model
from models.tasks.attainment import FROM_PLAY, Attainment, Record, whole_metrics
from tests.factories import make_app
from tests.models.rows import labels


def attainment(learner: str, record: EmpiricalBayes) -> LearnedModel:
    task = Attainment()
    return LearnedModel(task, Record(record), learner_of(learner)(**task.settings.get(learner, {})))


def questions(record: EmpiricalBayes, labelled: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    asked = labelled.join(record.menu, on=["metric", "window_days"])
    rows = record.weigh(asked, past).with_columns(hit=(pl.col("value") >= pl.col("target")).cast(pl.Float64))
    own = {name: pl.col("past_mean") for name in ("own_7", "own_28", "own_per_day")}
    return rows.with_columns(**own, own_trend=pl.lit(0.0), **{name: pl.lit(0.0) for name in FROM_PLAY})


@pytest.fixture(scope="module")
def record() -> EmpiricalBayes:
    return EmpiricalBayes.fit(*labels(1500), {"solved": True}, seed=1)


def test_a_record_lies_between_the_player_and_the_population(record: EmpiricalBayes) -> None:
    day = dt.date(2024, 3, 1)
    key = {"base_day": day, "metric": "solved", "window_days": 1}
    past = pl.DataFrame(
        [{"player_key": 1, **key, "value": 9.0, "weight": 6.0}], schema_overrides={"window_days": pl.Int32}
    )
    asked = pl.DataFrame(
        [{"player_key": p, **key, "target": 6.0} for p in (1, 2)], schema_overrides={"window_days": pl.Int32}
    )
    weighed = record.weigh(asked, past)
    strong, unknown = record.probability(weighed)
    population = weighed["population"][0]
    assert unknown == pytest.approx(population, abs=1e-9)
    assert population < strong < 1


def test_a_record_falls_as_the_target_rises(record: EmpiricalBayes) -> None:
    rows = questions(record, *labels(200, seed=3))
    rows = rows.with_columns(p=record.probability(rows)).sort("player_key", "target")
    assert (rows.select(pl.col("p").diff().over("player_key")).drop_nulls().to_series() <= 1e-12).all()


def test_what_moves_a_record_adds_up_to_its_log_odds_and_is_nothing_of_their_own_without_a_window(
    record: EmpiricalBayes,
) -> None:
    model, rows = attainment("empirical_bayes", record), questions(record, *labels(200, seed=3))
    moved = model.contributions(rows)
    assert moved.columns == ["population", "record"]
    assert moved.sum_horizontal().to_numpy() == pytest.approx(logits(record.probability(rows)))
    nobody = rows.with_columns(reached=pl.lit(0.0), evidence=pl.lit(0.0))
    assert model.contributions(nobody)["record"].to_numpy() == pytest.approx(np.zeros(rows.height), abs=1e-9)


@pytest.mark.parametrize("kind", ["empirical_bayes", "lightgbm"])
def test_each_learner_is_calibrated_on_players_it_never_saw(record: EmpiricalBayes, kind: str) -> None:
    model = attainment(kind, record).fit(questions(record, *labels(1500)))
    model.calibrate(questions(record, *labels(800, seed=4)))
    test = questions(record, *labels(1500, seed=5))
    y, p = test["hit"].to_numpy(), model.predict(test)
    assert calibration_error(y, p) < 0.02
    assert log_loss(y, p) < log_loss(y, np.full(len(y), y.mean())) * 0.8


@pytest.mark.parametrize("kind", ["empirical_bayes", "lightgbm"])
def test_the_probability_falls_as_the_target_rises_whatever_the_player(record: EmpiricalBayes, kind: str) -> None:
    model = attainment(kind, record).fit(questions(record, *labels(1500)))
    rows = questions(record, *labels(300, seed=6)).sort("player_key", "target")
    rows = rows.with_columns(p=model.predict(rows))
    assert (rows.select(pl.col("p").diff().over("player_key")).drop_nulls().to_series() <= 1e-9).all()


@pytest.mark.parametrize("kind", ["empirical_bayes", "lightgbm"])
def test_a_model_read_back_from_files_promises_the_same(record: EmpiricalBayes, kind: str, tmp_path: Path) -> None:
    rows = questions(record, *labels(600))
    model = attainment(kind, record).fit(rows).calibrate(rows)
    save_model(tmp_path / "attainment", model)
    assert np.array_equal(load_model(tmp_path / "attainment").predict(rows), model.predict(rows))


def test_nothing_less_is_asked_than_nearly_everybody_comes_to_who_does_any_of_it() -> None:
    labelled, past = labels(1500)
    words = pl.when(pl.col("value") > 0).then(pl.col("value") * 7 + 20).otherwise(0.0).alias("value")
    targets = EmpiricalBayes.fit(labelled.with_columns(words), past.with_columns(words), {"solved": True}, seed=1).menu
    least = labelled.with_columns(words).filter(pl.col("value") > 0).group_by("metric", "window_days")
    floors = least.agg(floor=pl.col("value").quantile(0.1, "lower"))
    told = targets.join(floors, on=["metric", "window_days"])
    assert told.height > 5
    assert told.filter(pl.col("target") < pl.col("floor")).is_empty()


def test_what_nobody_did_until_the_training_is_asked_of_nobody_by_it_and_changes_nothing_of_the_rest(
    record: EmpiricalBayes,
) -> None:
    new, whole = pl.lit("new").alias("metric"), {"solved": True, "new": True}
    labelled, past = labels(1500)
    none = labelled.with_columns(new, value=pl.lit(0.0))
    with_new = EmpiricalBayes.fit(pl.concat([labelled, none]), past, whole, seed=1)
    assert with_new.menu.equals(record.menu)

    tonight, own = labels(50, seed=9)  # by now they do it
    windows = pl.concat([tonight, tonight.with_columns(new)]).select("player_key", "base_day", "metric", "window_days")
    done = pl.concat([own, own.with_columns(new)])
    asked = ask_menu(with_new, done, windows, lowest=0.25, highest=0.85)
    assert set(asked["metric"]) == {"solved"}
    assert asked.equals(ask_menu(record, own, windows.filter(metric="solved"), lowest=0.25, highest=0.85))
    question = windows.filter(metric="new").with_columns(target=pl.lit(1.0))
    weighed = with_new.weigh(question, done.filter(metric="new"))
    assert np.isfinite(with_new.probability(weighed)).all()


def test_nobody_is_asked_for_parts_of_a_minute() -> None:
    made = {"event": "solve", "agg": "sum", "of": "points"}
    app = make_app(metrics=make_app().model_dump()["metrics"] | {n: made | {"unit": n} for n in ("minute", "km")})
    assert (whole_metrics(app)["minute"], whole_metrics(app)["km"]) == (True, False)


def test_the_menu_of_a_count_is_whole_numbers_from_one(record: EmpiricalBayes) -> None:
    targets = record.menu["target"].to_list()
    assert targets[:5] == [1, 2, 3, 4, 5]
    assert all(t == int(t) for t in targets)


def test_at_night_what_is_reached_given_play_leans_on_how_likely_play_is(record: EmpiricalBayes) -> None:
    model = attainment("empirical_bayes", record)
    rows = questions(record, *labels(1500, seed=4))
    rows = rows.with_columns(p_plays=pl.when(pl.col("hit") == 1).then(0.8).otherwise(0.3))
    p, one = model.predict(rows), np.ones(rows.height)
    tuned = model.adjusted(rows, rows["hit"].to_numpy(), p, weights=one, strength=6.0)
    likely, unlikely = (tuned.predict(rows.with_columns(p_plays=pl.lit(chance))) for chance in (0.8, 0.3))
    assert (likely > unlikely).all()
    assert np.array_equal(model.predict(rows.drop("p_plays")), p)
