import datetime as dt
import io
import sys

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import LineCollection

from models.contest.scores import equal_hope_bins, reliability_table
from models.tracking.plots import (
    contest_plot,
    contributions_plot,
    importance_plot,
    kinds_plot,
    looks_plot,
    mixtures_plot,
    reliability_plot,
    save_figure,
    segments_plot,
)


def words(figure) -> str:
    figure.draw_without_rendering()
    return " | ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))


def forecasts(n=600):
    rng = np.random.default_rng(1)
    p = rng.random(n)
    return (rng.random(n) < p).astype(float), p, np.arange(n) // 3


def test_reliability_plot_shows_the_table_with_its_intervals_and_the_error_beside_its_floor():
    y, p, players = forecasts()
    figure = reliability_plot(y, p, players, title="Does the player play?")
    table = reliability_table(y, p, players)
    upper, lower = figure.axes
    bars = next(c for c in upper.collections if isinstance(c, LineCollection)).get_segments()
    assert [b[0][1] for b in bars] == pytest.approx(table["low"].to_list())
    assert [b[1][1] for b in bars] == pytest.approx(table["high"].to_list())
    assert sum(patch.get_height() for patch in lower.patches) == len(y)
    shown = words(figure)
    assert "Does the player play?" in shown
    assert "600 promises" in shown
    assert "by chance, by player 0.0" in shown
    assert "by chance alone 0.0" in words(reliability_plot(y, p, title="Does the player play?"))


def test_importance_plot_orders_features_and_says_how_many_it_left_out():
    figure = importance_plot({f"f_{i}": i / 100 for i in range(30)}, title="Plays", top=5)
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(0.29)
    assert "first 5 of 30" in words(figure)


def test_a_long_title_goes_on_in_a_second_line_instead_of_beyond_the_picture():
    told = pl.DataFrame({"how often they play": [0.5, 0.1]})
    title = "An App\nWith a Name of Many Words: engagement, what moves the answer"
    figure = kinds_plot(told, {"often": np.array([True, True])}, title=title)
    assert figure._suptitle.get_text().startswith("An App\nWith a Name of Many Words")
    figure.draw_without_rendering()
    drawn = figure._suptitle.get_window_extent()
    assert (drawn.x0 >= 0, drawn.x1 <= figure.bbox.x1) == (True, True)


def test_contest_plot_names_the_chosen_one_and_bears_an_unknown_interval():
    rivals = [("logistic", 0.4, 0.0, 0.0, 0.0), ("base_rate", 0.5, 0.1, float("-inf"), float("inf"))]
    shown = words(contest_plot(rivals, title="Plays", chosen="logistic"))
    assert "logistic (chosen)  0.4000" in shown
    assert "base rate  0.5000" in shown


def test_where_little_happens_the_reliability_plot_widens_what_lies_near_zero():
    rng = np.random.default_rng(1)
    p = np.exp(rng.normal(-6, 1.5, 4000)).clip(1e-5, 0.6)
    y = (rng.random(4000) < p).astype(float)
    figure = reliability_plot(y, p, np.arange(4000) % 200, title="Toy: badge odds")
    upper = figure.axes[0]
    assert upper.get_xlim()[1] < 0.8
    assert upper.transData.transform((0.01, 0.0))[0] > upper.transData.transform((0.0, 0.0))[0] + 40
    hoped = [p[equal_hope_bins(p) == each].sum() for each in range(10)]
    assert min(hoped) > 0.7 * max(hoped)


def test_mixtures_plot_rings_the_mixture_that_serves():
    trials = pl.DataFrame(
        [(k, c, 100.0 + k + len(c)) for k in (1, 2, 3) for c in ("full", "diag")],
        schema=["components", "covariance", "held_out"],
        orient="row",
    )
    figure = mixtures_plot(trials, title="all", chosen=(2, 106.0))
    ring = next(line for line in figure.axes[0].lines if line.get_label() == "chosen")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [106.0])
    assert {"full", "diag"} <= {line.get_label() for line in figure.axes[0].lines}


def test_segments_plot_counts_players_and_bears_an_empty_segment():
    members = pl.DataFrame({"segment": ["Low"] * 42, "score": [*np.arange(40.0), None, None]})  # two without a score
    shown = words(segments_plot(members, levels=["Low", "High"], score="points", title="all"))
    assert "Low\n42 players" in shown
    assert "High\n0 players" in shown


def test_the_same_figure_gives_the_same_bytes_and_no_leftovers(tmp_path):
    y, p, players = forecasts()
    for name in ("a.png", "b.png"):
        save_figure(reliability_plot(y, p, players, title="x"), tmp_path / "deep" / name)
    first, second = sorted((tmp_path / "deep").iterdir())
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG")


def test_plots_never_touch_the_global_pyplot():
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_looks_plot_draws_every_arm_with_the_band_that_holds_at_every_look():
    days = [dt.date(2024, 3, day) for day in (1, 2, 3)]
    looks = pl.DataFrame(
        {
            "arm": ["models"] * 3 + ["both"] * 3,
            "known_on": days * 2,
            "difference": [0.2, 0.1, 0.08] * 2,
            "low": [-0.2, 0.02, 0.04] * 2,
            "high": [0.6, 0.18, 0.12] * 2,
            "always_low": [-9.0, -0.02, 0.01] * 2,
            "always_high": [9.4, 0.22, 0.15] * 2,
        }
    )
    figure = looks_plot(looks, title="Toy\nexperiment spring", first="plain", share=True)
    shown = words(figure)
    assert "models against plain" in shown
    assert "both against plain" in shown
    assert "experiment spring" in shown
    assert figure.axes[0].get_ylim()[1] < 1  # the first, wide look does not flatten the others


def test_kinds_plot_shows_for_each_kind_how_far_features_move_answers_the_farthest_first():
    moved = pl.DataFrame({"visits": [0.1, -0.1, 0.2, -0.2], "days_quiet": [1.0, -1.0, 0.0, 0.0], "idle": [0.0] * 4})
    kinds = {
        "the second quarter": np.array([True, True, False, False]),
        "the rest": np.array([False, False, True, True]),
    }
    figure = kinds_plot(moved, kinds, title="Toy: churn", top=2)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["days quiet", "visits"]
    assert figure.axes[0].images[0].get_array().ravel().tolist() == pytest.approx([1.0, 0.0, 0.1, 0.2])
    assert {"1.00", "0.20"} <= {text.get_text() for text in figure.axes[0].texts}


def test_contributions_plot_shows_the_features_that_move_answers_most_first_and_is_the_same_each_time(tmp_path):
    rng = np.random.default_rng(0)
    moved = pl.DataFrame(
        {"days_quiet": 2 * rng.normal(size=80), "visits": 0.1 * rng.normal(size=80), "idle": np.zeros(80)}
    )
    figure = contributions_plot(moved, moved + 1, title="Toy: churn", top=2)
    np.random.rand()  # noqa: NPY002 (what shap scatters dots by)
    before = np.random.get_state()  # noqa: NPY002
    again = contributions_plot(moved, moved + 1, title="Toy: churn", top=2)
    after = np.random.get_state()  # noqa: NPY002
    assert (after[1] == before[1]).all()
    assert after[2:] == before[2:]
    one, other = (save_figure(each, tmp_path / f"{n}.png") for n, each in enumerate((figure, again)))
    assert one.read_bytes() == other.read_bytes()
    told = words(figure)
    assert "Toy: churn" in told
    assert "days quiet" in told
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[-1] == "days quiet"  # drawn from below
    assert "2 other features" in " ".join(names)
    figure.savefig(io.BytesIO())
