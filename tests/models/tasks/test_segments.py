from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from models.portable import class_of, load_model, save_model
from models.statistics import mixture_search
from models.statistics.mixture_search import COVARIANCES, Measures, MixtureParameters, _fit, _full_factors, fit_mixture
from models.statistics.mixtures import BENDS, Mixture, Scaling, View
from models.tasks.segments import PARENT, Measure, SegmentModel, SegmentParameters, levels_of

MEASURES = (Measure("points", weight=0.5), Measure("days", weight=0.25), Measure("away", "lower", weight=0.25))
LEVELS = ("low", "middle", "high")
ONE = Measures(("points",), np.ones(1), np.ones(1))
FAST = SegmentParameters(50, MixtureParameters(trials=10, refits=2, most_components=5, seed=1))


def players(n: int = 240, *, seed: int = 0, cohort: str = "a") -> pl.DataFrame:
    """Three groups of players that nobody would mix up; `group` 0 is the least engaged."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    return pl.DataFrame(
        {
            "player_key": np.arange(n) + 1000 * seed,
            "cohort": [cohort] * n,
            "points": np.expm1(np.array([1.0, 3.0, 5.0])[group] + rng.normal(0, 0.25, n)),
            "days": np.expm1(np.array([0.5, 1.5, 2.8])[group] + rng.normal(0, 0.15, n)),
            "away": np.expm1(np.array([3.0, 1.8, 0.5])[group] + rng.normal(0, 0.2, n)),
            "group": group,
        }
    )


def fitted(rows: pl.DataFrame, parameters: SegmentParameters = FAST, measures=MEASURES, levels=LEVELS) -> SegmentModel:
    model = SegmentModel(parameters, measures, levels)
    model.fit(rows.drop("group", strict=False))
    return model


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    return fitted(pl.concat([players(), players(30, seed=1, cohort="rare")]))


def test_groups_that_nobody_would_mix_up_become_the_levels_in_order_of_engagement(model):
    rows = players(300, seed=5)
    found = model.predict(rows)
    assert adjusted_rand_score(rows["group"], found["segment"]) > 0.95
    means = found.with_columns(rows["points"]).group_by("segment").agg(pl.col("points").mean())
    assert means.sort("points")["segment"].to_list() == list(LEVELS)


def test_order_follows_the_score_not_the_first_measure():
    backwards = [replace(m, better="lower" if m.better == "higher" else "higher") for m in MEASURES]
    found = fitted(players(), measures=backwards).predict(players())
    assert set(found.filter(players()["group"] == 0)["segment"]) == {"high"}


def test_cohort_with_too_few_players_is_judged_with_all_and_says_so(model):
    rows = pl.concat([players(6), players(6, cohort="rare"), players(6, cohort="unheard of")])
    assert model.predict(rows)["judged_as"].to_list() == ["a"] * 6 + [PARENT] * 12
    assert model.quality["cohort"].to_list() == [PARENT, "a"]


def test_too_few_players_in_all_are_refused():
    with pytest.raises(ValueError, match="50 players are needed"):
        fitted(players(49))


def test_a_player_who_stands_there_often_counts_once_towards_the_fewest():
    rows = pl.concat([players(30)] * 10)
    with pytest.raises(ValueError, match="50 players are needed"):
        fitted(rows)


def test_files_give_the_same_model(model, tmp_path):
    save_model(tmp_path / "m", model)
    again = load_model(tmp_path / "m")
    assert isinstance(again, SegmentModel)
    rows = pl.concat([players(90, seed=3), players(9, seed=4, cohort="rare")])
    assert again.predict(rows).equals(model.predict(rows))
    assert again.quality.equals(model.quality)
    assert again.inputs == model.inputs
    save_model(tmp_path / "n", again)
    assert (tmp_path / "m" / "model.json").read_bytes() == (tmp_path / "n" / "model.json").read_bytes()


def test_the_kind_leads_to_the_class():
    assert class_of("segments") is SegmentModel


def test_same_seed_gives_the_same_model_in_whatever_order_rows_come(model):
    rows = pl.concat([players(), players(30, seed=1, cohort="rare")])
    again = fitted(rows.sample(fraction=1, shuffle=True, seed=9))
    assert again.quality.equals(model.quality)
    assert again.predict(rows).equals(model.predict(rows))


def test_prediction_of_a_row_does_not_depend_on_the_others(model):
    rows = players(60, seed=7)
    whole = model.predict(rows)
    alone = pl.concat([model.predict(rows[i]) for i in range(0, 60, 7)])
    assert alone["segment"].to_list() == whole["segment"].gather_every(7).to_list()
    assert alone["posterior"].to_list() == pytest.approx(whole["posterior"].gather_every(7).to_list())


def test_unknown_values_count_as_weak(model):
    blank = pl.DataFrame({"cohort": ["a"], "points": [None], "days": [None], "away": [None]}, schema=model.inputs)
    assert model.predict(blank)["segment"].item() == "low"


def test_no_rows_give_no_rows_with_the_same_columns(model):
    assert model.predict(players(3).clear()).schema == model.predict(players(3)).schema


def test_posteriors_are_probabilities_of_the_assigned_level(model):
    chances = model.predict(players(300, seed=8))["posterior"].to_numpy()
    assert chances.min() >= 1 / len(LEVELS)
    assert chances.max() <= 1


def test_of_two_measures_that_go_together_the_earlier_stands_for_both():
    rows = players().with_columns(copy=2 * pl.col("points") + 1e-9)
    found = fitted(rows, measures=(*MEASURES, Measure("copy", weight=0.1)))
    assert [(m.column, m.weight) for m in found.measures] == [("points", 0.6), ("days", 0.25), ("away", 0.25)]


def test_segments_that_do_not_survive_resampling_are_marked():
    rng = np.random.default_rng(0)
    noise = pl.DataFrame({m.column: rng.uniform(0, 1, 200) for m in MEASURES})
    noise = noise.with_columns(player_key=pl.int_range(200), cohort=pl.lit("a"))
    strict = replace(FAST, mixture=replace(FAST.mixture, min_stability=0.99))
    assert fitted(noise, strict).quality["stable"].to_list() == [False]
    assert fitted(players(), strict).quality["stable"].to_list() == [True]


def test_a_setting_that_cannot_win_is_not_resampled(monkeypatch):
    fits = []
    monkeypatch.setattr(
        mixture_search, "_fit", lambda x, *told, **more: fits.append(told[:2]) or _fit(x, *told, **more)
    )
    model = SegmentModel(FAST, MEASURES, LEVELS)
    trials = model.fit(players().drop("group"))[PARENT]
    judged = trials.filter(pl.col("stability").is_not_null())
    assert 0 < judged.height < trials.height
    assert trials["allowed"].is_null().to_list() == trials["stability"].is_null().to_list()
    best = judged.filter("allowed")["held_out"].max()
    assert trials.filter(pl.col("stability").is_null())["held_out"].max() < best
    refits = FAST.mixture.refits
    once = trials.height - judged.height
    assert len(fits) == once + judged.height * (1 + refits) + 1


def test_a_component_with_too_few_players_is_not_chosen():
    crowd = players(300).filter(pl.col("group") < 2)
    odd = players(9).filter(pl.col("group") == 2).with_columns(pl.col("player_key") + 5000)
    rows = pl.concat([crowd, odd])
    few = replace(FAST, mixture=replace(FAST.mixture, min_share=0.1))
    assert fitted(rows, few).quality["smallest_share"].item() >= 0.1
    assert (
        fitted(rows, replace(FAST, mixture=replace(FAST.mixture, min_share=0.0))).quality["smallest_share"].item() < 0.1
    )


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_posterior_is_the_one_of_scikit_learn(covariance):
    rows = players()
    values, signs = rows.select("points", "days", "away").to_numpy(), np.array([1.0, 1.0, -1.0])
    scaling = Scaling.of(values, signs)
    theirs = _fit(scaling.apply(values), 3, covariance, FAST.mixture)
    view = View.learn(values, signs, even_out=False)
    ours = Mixture(scaling, theirs.weights_, theirs.means_, _full_factors(theirs), view)
    np.testing.assert_allclose(ours.posterior(values), theirs.predict_proba(scaling.apply(values)), atol=1e-9)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=8), st.integers(1, 6))
@settings(deadline=None)
def test_levels_start_at_the_first_keep_the_order_and_waste_none(shares, levels):
    places = levels_of(np.array(shares) / sum(shares), levels)
    assert places[0] == 0
    assert list(places) == sorted(places)
    assert max(places) < levels
    assert len(set(places)) == min(len(shares), levels)


def test_half_of_all_players_are_not_called_the_best():
    assert levels_of(np.array([0.4, 0.6]), 4) == (0, 2)
    assert levels_of(np.array([0.8, 0.2]), 4) == (0, 3)


def test_what_is_no_strength_is_middling_where_it_is_unknown():
    known = np.array([[float(v)] for v in range(1, 102)])
    weak = {sign: Scaling.of(known, np.array([sign])).apply(np.array([[np.nan]]))[0, 0] for sign in (1.0, -1.0, 0.0)}
    assert weak[1.0] < 0 < weak[-1.0]
    assert weak[0.0] == 0


def test_a_measure_that_is_no_strength_does_not_order_the_levels():
    rows = players().with_columns(age=pl.Series(np.where(np.arange(240) % 3 == 0, 60.0, 20.0)))
    model = fitted(rows, measures=(*MEASURES, Measure("age", "neither")))
    found = model.predict(rows).with_columns(rows["points"]).group_by("segment").agg(pl.col("points").mean())
    means = dict(found.iter_rows())
    assert sorted(means, key=means.__getitem__) == [level for level in LEVELS if level in means]


def test_evened_out_a_measure_that_is_no_strength_moves_what_is_usual_and_draws_no_component():
    rng = np.random.default_rng(3)
    group, age = np.arange(240) % 2, rng.choice([15.0, 60.0], 240)
    values = np.column_stack([100 + 200 * group - age + rng.normal(0, 8, 240), np.full(240, 7.0), age])
    evened = replace(FAST.mixture, even_out=True, floor=0.03)
    measures = Measures(("points", "same", "age"), np.array([1.0, 1, 0]), np.array([1.0, 0, 0]))
    found = fit_mixture(values, np.arange(240), measures, evened)
    assert found.mixture.view.used.tolist() == [0]  # the second is the same for all
    assert found.figures["components"] == 2
    assert adjusted_rand_score(group, found.mixture.posterior(values).argmax(axis=1)) > 0.95
    again = Mixture.from_arrays(found.mixture.arrays())
    assert again.posterior(values).tolist() == found.mixture.posterior(values).tolist()


@pytest.mark.parametrize("bend", BENDS)
def test_on_every_scale_the_density_of_the_measures_themselves_adds_up_to_one(bend):
    known = np.random.default_rng(0).lognormal(2, 1, (500, 1))
    laid = mixture_search._Laid.out(known, ONE, {"bend": bend, "without": "none"}, FAST.mixture)
    fitted_to = _fit(laid.seen(known), 2, "full", FAST.mixture)
    grid = np.linspace(-400, 4000, 400_001)[:, None]
    density = np.exp(laid.log_density(fitted_to, grid))
    assert density.sum() * (grid[1, 0] - grid[0, 0]) == pytest.approx(1, abs=0.02)


def test_a_measure_that_is_the_same_for_all_tells_no_scale_from_another():
    same = np.full((30, 1), 500.0)
    assert [Scaling.of(same, np.ones(1), bend).log_stretch(same).tolist() for bend in BENDS] == [[0.0] * 30] * 3


def test_a_measure_that_is_left_out_still_counts_by_what_the_others_say_of_it():
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 1, (400, 1))
    both = np.column_stack([seen[:, 0], 2 * seen[:, 0] + rng.normal(0, 0.1, 400), rng.normal(0, 1, 400)])
    measures = Measures(("a", "tied", "alone"), np.ones(3), np.array([1.0, 0, 0]))
    said = {}
    for name in ("tied", "alone"):
        laid = mixture_search._Laid.out(both, measures, {"bend": "plain", "without": name}, FAST.mixture)
        said[name] = laid.log_density(_fit(laid.seen(both), 1, "full", FAST.mixture), both).mean()
        assert laid.left[0] == pytest.approx(FAST.mixture.floor + (0 if name == "tied" else 1), abs=0.1)
    whole = mixture_search._Laid.out(both, measures, {"bend": "plain", "without": "none"}, FAST.mixture)
    assert said["alone"] == pytest.approx(
        whole.log_density(_fit(whole.seen(both), 1, "full", FAST.mixture), both).mean(), abs=0.05
    )


def test_the_scale_is_the_one_on_which_groups_are_normal():
    rng = np.random.default_rng(1)
    group = np.arange(600) % 3
    values = np.column_stack([1000.0 * group + rng.normal(0, 150, 600), 800 * group + rng.normal(0, 120, 600)])
    measures = Measures(("points", "days"), np.ones(2), np.array([1.0, 0]))
    found = fit_mixture(values, np.arange(600), measures, replace(FAST.mixture, trials=40, floor=0.01, wanted=3))
    assert (found.setting["bend"], found.setting["components"]) == ("plain", 3)
    assert adjusted_rand_score(group, found.mixture.posterior(values).argmax(axis=1)) > 0.95
    again = Mixture.from_arrays(found.mixture.arrays())
    assert again.posterior(values).tolist() == found.mixture.posterior(values).tolist()
