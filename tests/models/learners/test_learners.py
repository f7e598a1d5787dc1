"""What every algorithm must do: learn, tell why, keep an order where it says so, and survive a trip through files."""

import importlib.util
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.ensemble import RandomForestClassifier

from models.calibration import logits
from models.learner import Sheet
from models.learners import learner_of, learners
from models.learners.who_and_when import Who
from models.portable import OutdatedModelError
from models.statistics.levels import Levels
from models.task import BinaryTask
from tests.models.rows import sheet

HERE = importlib.util.find_spec("catboost") is not None
CATBOOST = pytest.param("catboost", marks=pytest.mark.skipif(not HERE, reason="the extra catboost is not installed"))
BUILT_IN = (
    *("cloglog", "lightgbm", "logistic", "mean_of_three", "random_forest", "stack", "trees_and_lines"),
    *("two_views", "who_and_when", "xgboost"),
)
GENERAL = TELLING = (*BUILT_IN, CATBOOST)
ORDERED = ("lightgbm", "two_views", "xgboost")
FULL = ("lightgbm", "random_forest", "xgboost", CATBOOST)


def fitted(name, *given, **how):
    rows, y = sheet(*given, **how)
    return learner_of(name)(seed=7).fit(rows, y, np.ones(len(y)))


@pytest.mark.parametrize("name", GENERAL)
def test_it_learns_what_drives_the_outcome_and_says_what_it_looks_at(name):
    learner, (rows, y) = fitted(name), sheet(seed=1)
    p = learner.predict(rows)
    assert p.shape == y.shape
    assert p[y == 1].mean() > p[y == 0].mean() + 0.2
    told = learner.importance()
    assert sum(told.values()) == pytest.approx(1)
    assert max(told, key=told.get) == "strong"


@pytest.mark.parametrize("name", GENERAL)
def test_an_answer_is_that_of_its_row_wherever_the_row_stands(name):
    learner, (rows, _) = fitted(name), sheet(500, seed=1)
    turned = replace(rows, rows=rows.rows.reverse(), x=rows.x.reverse(), windows=rows.windows[::-1])
    assert np.array_equal(learner.predict(turned), learner.predict(rows)[::-1])


@pytest.mark.parametrize("name", GENERAL)
def test_the_same_rows_give_the_same_answers_before_and_after_the_trip_through_files(name, tmp_path):
    one, (rows, _) = fitted(name), sheet(seed=1)
    one.to_files(tmp_path)
    again = learner_of(name)(seed=7).from_files(tmp_path)
    assert np.array_equal(again.predict(rows), one.predict(rows))
    assert np.array_equal(fitted(name).predict(rows), one.predict(rows))
    assert again.importance() == one.importance()
    assert not any(path.suffix in {".pkl", ".pickle", ".joblib"} for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", TELLING)
def test_contributions_add_up_to_the_log_odds_of_each_row(name):
    learner, (rows, _) = fitted(name), sheet(seed=1)
    told = learner.contributions(rows)
    for days in (1, 7):
        here = rows.windows == days
        rest = logit(learner.predict(rows)[here]) - told.sum_horizontal().to_numpy()[here]
        assert np.ptp(rest) < 1e-3
    assert told["strong"].abs().mean() > 3 * told["idle"].abs().mean()


def test_who_cannot_tell_why_says_nothing():
    rows, _ = sheet()
    telling = {*TELLING[:-1], "catboost"}
    in_their_way = {"empirical_bayes", "reconstruction"}  # the first of attainment, the other of parts of an error
    silent = set(learners().by_name) - telling - in_their_way
    assert "recency" in silent
    assert all(learners().by_name[name]().contributions(rows) is None for name in silent)


@pytest.mark.parametrize("name", ORDERED)
def test_an_order_that_is_demanded_is_kept(name):
    learner = fitted(name, monotone={"idle": -1})
    rows, _ = sheet(seed=1)
    more = Sheet(rows.rows, rows.x.with_columns(pl.col("idle") + 1), rows.windows)
    assert (learner.predict(more) <= learner.predict(rows) + 1e-9).all()
    assert learner.keeps_order


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("seed", range(4))
def test_an_order_over_several_features_is_kept_beside_names_and_unknown_values(name, seed):
    rng = np.random.default_rng(seed)
    n, grid = 4000, np.linspace(0, 1, 30)
    directions = {"hard": -1, "over": -1, "reached": 1, "usual": 1}

    def asked(target, who, kind):
        """Four features that follow from the target, six of the player, one of them unknown at times, and a name."""
        told = {
            "hard": np.log1p(20 * target),
            "over": 20 * target / (1 + 5 * who[:, 0]) - 1,
            "reached": np.clip(1 - target * (0.5 + who[:, 0]), 0, 1) ** 2,
            "usual": np.exp(-3 * target),
        }
        x = pl.DataFrame({**told, **{f"own_{i}": who[:, i] for i in range(6)}, "kind": kind.astype(float)})
        x = x.with_columns(pl.when(pl.col("own_2") > 0.3).then("own_2").alias("own_2"))
        return Sheet(x, x, np.full(len(target), 7), monotone=directions, categories=("kind",))

    target, who, kind = np.round(rng.random(n) * 12) / 12, rng.random((n, 6)), rng.integers(0, 5, n)
    chance = (0.4 + 0.15 * kind) / (1 + np.exp(6 * target / (0.4 + who[:, 0]) - 3 - who[:, 3]))
    settings = {"leaves": 12, "trees": 120} if name == "lightgbm" else {}
    learner = learner_of(name)(seed=seed, **settings)
    learner.fit(asked(target, who, kind), (rng.random(n) < chance).astype(float), np.ones(n))
    few = np.repeat(np.arange(300), len(grid))
    p = learner.predict(asked(np.tile(grid, 300), who[few], kind[few])).reshape(300, -1)
    assert (np.diff(p, axis=1) <= 1e-9).all()


@pytest.mark.parametrize("name", FULL)
def test_an_unknown_value_is_no_obstacle(name, tmp_path):
    learner, (rows, y) = fitted(name, unknown=0.3), sheet(seed=1, unknown=0.3)
    p = learner.predict(rows)
    assert np.isfinite(p).all()
    assert p[y == 1].mean() > p[y == 0].mean() + 0.2
    learner.to_files(tmp_path)
    assert np.array_equal(learner_of(name)(seed=7).from_files(tmp_path).predict(rows), p)


@pytest.mark.parametrize("name", GENERAL)
@pytest.mark.parametrize("before", [0.0, None])
def test_what_was_constant_or_unknown_while_it_learned_is_no_obstacle_when_it_says_something(name, before):
    (rows, y), (asked, happened) = sheet(900), sheet(300, seed=1)
    if before is None and name in {"cloglog", "logistic", "mean_of_three", "stack", "trees_and_lines"}:
        pytest.skip("a line reads no unknown values; tasks whose features may be unknown do not let it in")
    learned = replace(rows, x=rows.x.with_columns(idle=pl.lit(before, pl.Float64)))
    p = learner_of(name)(seed=7).fit(learned, y, np.ones(len(y))).predict(asked)
    assert np.isfinite(p).all()
    assert p[happened == 1].mean() > p[happened == 0].mean() + 0.2


def test_a_forest_answers_as_scikit_learn_does():
    rows, y = sheet(unknown=0.2)
    x = rows.whole().to_numpy()
    settings = {"n_estimators": 60, "max_depth": 10, "min_samples_leaf": 20, "max_samples": 0.5, "random_state": 7}
    theirs = RandomForestClassifier(**settings).fit(x, y, np.ones(len(y))).predict_proba(x)[:, 1]
    assert np.allclose(fitted("random_forest", unknown=0.2).predict(rows), theirs)


@pytest.mark.parametrize("field", ["left", "feature", "roots"])
def test_a_forest_whose_nodes_lead_nowhere_is_refused(field, tmp_path):
    fitted("random_forest").to_files(tmp_path)
    nodes = dict(np.load(tmp_path / "nodes.npz"))
    nodes[field][0] = 10**9 if field != "left" else 0
    np.savez(tmp_path / "nodes.npz", **nodes)
    with pytest.raises(OutdatedModelError, match="no forest"):
        learner_of("random_forest")(seed=7).from_files(tmp_path)


def test_a_forest_sees_what_is_alike_for_all_on_a_day_and_boosted_trees_do_not():
    rows, y = sheet()
    given = replace(rows, common=frozenset({"strong"}))
    forest, trees = (learner_of(name)(seed=7).fit(given, y, np.ones(len(y))) for name in ("random_forest", "lightgbm"))
    assert np.array_equal(forest.predict(given), fitted("random_forest").predict(rows))
    assert max(forest.importance(), key=forest.importance().get) == "strong"
    assert "strong" not in trees.importance()


def test_trees_whose_thresholds_are_drawn_fit_less_noise():
    rng = np.random.default_rng(0)
    x = pl.DataFrame({f"noise_{n}": rng.normal(size=2000) for n in range(6)})
    rows, y = Sheet(x, x, np.full(2000, 7)), (rng.random(2000) < 0.1).astype(float)
    given = ({"trees": 60}, {"trees": 40, "learning_rate": 0.1, "drawn": True})
    sought, drawn = (learner_of("lightgbm")(**how).fit(rows, y, np.ones(2000)).predict(rows) for how in given)
    assert np.std(drawn) < 0.9 * np.std(sought)


def in_seasons(n=6000, days=12):
    """A sheet, outcomes and heights: on some days most do it, on others few, and who is `strong` always more."""
    rng = np.random.default_rng(3)
    day, strong, height = rng.integers(days, size=n), rng.normal(size=n), rng.normal(scale=2, size=days)
    rows = pl.DataFrame({"base_day": day, "strong": strong, "season": height[day]})
    y = (rng.random(n) < expit(height[day] + strong)).astype(float)
    return Sheet(rows, rows.select("strong", "season"), np.full(n, 7)), y, height[day]


def test_trees_that_begin_at_the_level_of_each_day_expect_what_is_usual_and_tell_players_of_a_day_apart():
    given, y, height = in_seasons()
    who, plain = (each(seed=7).fit(given, y, np.ones(len(y))) for each in (Who, learner_of("lightgbm")))
    z, strong = logit(who.predict(given)), given.rows["strong"].to_numpy()
    assert abs(np.polyfit(height, z, 1)[0]) < 0.5 * np.polyfit(height, logit(plain.predict(given)), 1)[0]
    assert np.corrcoef(z, strong)[0, 1] > 0.8
    assert expit(z).mean() == pytest.approx(y.mean(), abs=0.1)
    drawn = Who(seed=7, trees=100, learning_rate=0.1, drawn=True).fit(given, y, np.ones(len(y)))
    both = learner_of("who_and_when")(seed=7).fit(given, y, np.ones(len(y)))
    assert logit(both.predict(given)) == pytest.approx((logit(plain.predict(given)) + logit(drawn.predict(given))) / 2)


def test_beside_the_trees_a_line_goes_on_beyond_what_was_seen():
    (rows, y), far = sheet(), sheet(2)[0]
    far = replace(far, x=pl.DataFrame({"strong": [3.0, 30.0], "weak": 0.0, "idle": 0.0}), windows=np.array([7, 7]))
    trees, line, both = (
        learner_of(name)(seed=7).fit(rows, y, np.ones(len(y)))
        for name in ("who_and_when", "logistic", "trees_and_lines")
    )
    told = {each.name: logits(each.predict(far)) for each in (trees, line, both)}
    assert told["trees_and_lines"] == pytest.approx((2 * told["who_and_when"] + told["logistic"]) / 3)
    assert np.diff(told["who_and_when"])[0] < 1 < np.diff(told["trees_and_lines"])[0]


def test_what_is_usual_is_told_by_length_of_window_and_drawn_into_a_day_that_says_little():
    given, y, _ = in_seasons()
    given = replace(given, windows=np.where(np.arange(len(y)) % 2, 7, 28))
    levels = Levels.of(given, y, np.ones(len(y)))
    assert expit(levels.usual(given.only(given.windows == 7))) == pytest.approx(y[given.windows == 7].mean(), abs=0.001)
    assert np.array_equal(
        levels.usual(replace(given, windows=np.full(len(y), 30))), np.full(len(y), logit(levels.shares[1]))
    )
    alone = given.only(np.arange(len(y)) == 0)
    assert expit(levels.of_days(alone, np.ones(1)))[0] == pytest.approx((1 + 20 * levels.shares[1]) / 21)


def test_of_two_views_one_alone_sees_what_is_alike_for_all_on_a_day():
    rows, y = sheet()
    given = replace(rows, common=frozenset({"strong"}))
    both = learner_of("two_views")(seed=7).fit(given, y, np.ones(len(y)))
    player, day = (learner_of("lightgbm")(seed=7).fit(seen, y, np.ones(len(y))) for seen in (given, rows))
    apart = [logit(each.predict(seen)) for each, seen in ((player, given), (day, rows))]
    assert logit(both.predict(given)) == pytest.approx(np.mean(apart, axis=0))
    assert "strong" not in player.importance()
    assert both.importance()["strong"] == pytest.approx(day.importance()["strong"] / 2)


def test_the_mean_of_three_lies_in_the_middle_of_its_bases_in_log_odds():
    rows, y = sheet(900)
    three = learner_of("mean_of_three")(seed=7)
    alone = [base.fit(rows, y, np.ones(len(y))).predict(rows) for base in three.bases()]
    mean = three.fit(rows, y, np.ones(len(y))).predict(rows)
    assert logit(mean) == pytest.approx(np.mean(logit(np.array(alone)), axis=0))


def test_costly_learners_enter_only_where_a_task_asks_for_them():
    class Plain(BinaryTask):
        name = "plain"

        def rows(self, app, samples, encoding, *, seed): ...

    class Asking(Plain):
        asks_for = frozenset({"xgboost"})

    class Strict(Asking):
        only = frozenset({"logistic"})

    entered = {
        task: {name for name, each in learners().by_name.items() if task().takes(each)}
        for task in (Plain, Asking, Strict)
    }
    assert entered[Plain] == {"lightgbm", "logistic"}
    assert entered[Asking] == {"lightgbm", "logistic", "xgboost"}
    assert entered[Strict] == {"logistic"}
