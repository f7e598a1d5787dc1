"""Reasons are facts that hold when they are checked: what runs against the answers is none."""

import numpy as np
import polars as pl

from models.explain.reasons import (
    Kind,
    against_the_answer,
    lately,
    moved_by_kind,
    none_lowers,
    reasons,
    share_of_kinds,
    usual_figures,
)

KINDS = {
    "play": Kind(("days", "weeks"), pl.lit("played"), "how much they play"),
    "talk": Kind(("talk",), pl.lit("talked"), "how much they talk"),
    "none": Kind(("absent",), pl.lit("never"), "nothing"),
}


def test_a_fact_that_only_corrects_others_is_found_and_what_goes_with_the_answers_is_not():
    z = np.linspace(-2, 2, 50)
    moved = pl.DataFrame({"days": 2 * z, "weeks": -0.5 * z, "talk": -0.4 * z, "rest": 0.1 * z**2})
    none = pl.DataFrame({"x": z})
    assert against_the_answer(none, moved, KINDS) == ("talk",)
    assert against_the_answer(none, moved.with_columns(talk=pl.lit(0.0)), KINDS) == ()


def test_a_figure_that_moves_answers_one_way_while_who_has_more_gets_the_other_is_no_reason():
    rng = np.random.default_rng(0)
    talks = rng.normal(size=500)
    days = talks + 0.3 * rng.normal(size=500)  # who talks more plays more, and playing is what counts
    rows = pl.DataFrame({"talks": talks}).with_columns(
        talks=pl.when(pl.int_range(pl.len()) > 0).then("talks")  # one is not known
    )
    kinds = {**KINDS, "talk": Kind(("talk",), pl.lit("talked"), "how much they talk", "talks")}
    turned = pl.DataFrame({"days": 2 * days, "talk": -0.2 * talks + 0.9 * rng.normal(size=500)})
    assert against_the_answer(rows, turned, kinds) == ("talk",)
    assert against_the_answer(rows, turned.with_columns(talk=0.2 * pl.Series(talks)), kinds) == ()
    elsewhere = turned.with_columns(talk=pl.Series(0.3 * days + rng.normal(size=500)))
    idle = pl.DataFrame({"talks": rng.normal(size=500)})
    assert against_the_answer(idle, elsewhere, kinds) == ("talk",)  # what it tells is not what moves the answer
    assert against_the_answer(rows, elsewhere, kinds) == ()


def test_features_of_one_fact_are_added_up_before_anything_is_said_of_it():
    moved = pl.DataFrame({"days": [0.9], "weeks": [-1.2], "talk": [0.2]})
    assert reasons(pl.DataFrame({"x": [1]}), moved, KINDS)[0] == "played (lowers it); talked (raises it)"


def test_a_fact_whose_figure_lies_on_the_other_side_of_what_is_usual_is_no_reason():
    rng = np.random.default_rng(0)
    days = rng.integers(0, 29, 400).astype(float)
    kinds = {"play": Kind(("days", "weeks"), pl.format("played on {} days", pl.col("n").cast(pl.Int64)), "", "n")}
    moved = pl.DataFrame({"days": 0.1 * (days - 14), "weeks": 0.3 * rng.normal(size=400)})
    usual = usual_figures(pl.DataFrame({"n": days}), moved, kinds)
    middle, way = usual["play"]
    assert 12 <= middle <= 16
    assert way == 1.0
    rows = pl.DataFrame({"n": [1.0, 1.0, 27.0, 27.0, None]})
    pulls = pl.DataFrame({"days": [0.9, -0.9, 0.9, -0.9, 0.9], "weeks": [0.0] * 5})
    told = ["played on 1 days (lowers it)", "played on 27 days (raises it)"]
    assert reasons(rows, pulls, kinds, usual).to_list() == [None, told[0], told[1], None, None]
    said = reasons(rows, pulls, kinds, usual, ("for it", "against it"))
    assert said.to_list() == [None, "played on 1 days (against it)", "played on 27 days (for it)", None, None]
    alike = {"play": Kind(("days",), pl.lit("played"), "", "n", alone=False)}
    assert usual_figures(pl.DataFrame({"n": days}), moved, alike) == {}


def test_what_a_model_looks_at_is_told_by_what_it_is_about_and_adds_up_to_all():
    shares = share_of_kinds({"days": 0.3, "weeks": 0.2, "talk": 0.1, "week": 0.4}, KINDS)
    assert shares == {"how much they play": 0.5, "how much they talk": 0.1, "anything else": 0.4}


def test_what_moves_answers_is_drawn_by_what_it_is_about_with_the_figure_that_tells_it():
    moved = pl.DataFrame({"days": [0.9, 0.1], "weeks": [-0.2, 0.1], "talk": [0.2, 0.0], "rest": [0.5, 0.4]})
    kinds = {**KINDS, "talk": Kind(("talk",), pl.lit("talked"), "how much they talk", "talks")}
    told, figures = moved_by_kind(pl.DataFrame({"talks": [3, None]}), moved, kinds)
    assert told.columns == figures.columns == ["how much they play", "how much they talk", "anything else"]
    assert [round(each, 6) for each in told.row(0)] == [0.7, 0.2, 0.5]
    assert figures["how much they talk"].to_list() == [3.0, None]
    assert figures["how much they play"].null_count() == 2
    assert moved_by_kind(moved, moved, {})[0].columns == moved.columns


def test_a_fact_that_can_only_lower_is_no_reason_where_it_raises_and_one_may_have_other_words_for_it():
    kinds = {
        "begun": Kind(("done",), pl.lit("nothing done"), "", "n", only=none_lowers("n")),
        "others": Kind(("others",), pl.lit("many do it"), "", lowering=pl.lit("few do it")),
    }
    rows = pl.DataFrame({"n": [0, 0, 1]})
    moved = pl.DataFrame({"done": [0.5, -0.5, 0.5], "others": [0.2, -0.2, 0.0]})
    told = ["many do it (raises it)", "nothing done (lowers it); few do it (lowers it)", "nothing done (raises it)"]
    assert reasons(rows, moved, kinds).to_list() == told


def test_a_figure_is_said_as_people_do_and_nothing_is_none():
    rows = pl.DataFrame({"month": [9.0, 0.0, 2.456, None], "week": [0.0, 0.0, 2.0, None]})
    told, little = (
        rows.select(lately("drills", {28: "month", 7: "week"}, much=much)).to_series().to_list()
        for much in (True, False)
    )
    none = "drills: none in the last 28 days"
    assert little[0] == "drills: 9 in the last 28 days, none in the last 7"
    assert little[1:] == told[1:]
    assert told == [
        "drills: 9 in the last 28 days, though none in the last 7",
        none,
        "drills: 2.46 in the last 28 days, 2 in the last 7",
        none,
    ]
