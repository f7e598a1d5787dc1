"""Nights answered by simulated learners: what is planted in their answers is found, and nothing where nothing is."""

import datetime as dt

import polars as pl
import pytest

from data.simulator.response import Effects, true_lift
from pipelines.experiments.experiment import read_experiment
from pipelines.known import Known
from pipelines.pins import find_night
from pipelines.stores import open_app
from tests.loops import LAST_DAY, run_loop

pytestmark = pytest.mark.long

MOVED = dict.fromkeys(("MASTER", "COLLECTOR", "WANDERER", "STEADY"), 0.6)  # by the richer table; companions are not
EFFECTS = Effects(answers=0.0, arms={"warm": 0.5, "rich": MOVED}, shown=1.0, rates=0.8)


@pytest.fixture(name="loop", scope="module")
def _loop(quick_learners, tmp_path_factory):
    return run_loop(
        tmp_path_factory.mktemp("loop"), "learning", players=560, nights=1, effects=EFFECTS, history_days=28
    )


def read(loop, name):
    with open_app(loop.settings, loop.loaded) as warehouse:
        return read_experiment(Known(warehouse, find_night(warehouse, loop.loaded.app)), name)


@pytest.fixture(name="report", scope="module")
def _report(loop):
    return read(loop, "words")


def of(report, metric: str, arm: str) -> dict:
    return report.results.row(by_predicate=(pl.col("metric") == metric) & (pl.col("arm") == arm), named=True)


def test_what_settlement_says_of_each_arm_is_what_the_players_did(loop, report):
    did = loop.truth.group_by("arm").agg(pl.len(), pl.col("kept").mean())
    for arm, count, share in did.iter_rows():
        told = of(report, "completion", arm)
        assert (told["n"], told["mean"]) == (count, pytest.approx(share))


def test_a_planted_effect_on_completion_lies_in_its_interval_and_is_shown(loop, report):
    lift, told = true_lift(loop.truth, EFFECTS, "plain", "warm"), of(report, "completion", "warm")
    assert lift > 0.2
    assert told["difference_low"] < lift < told["difference_high"]
    assert told["found_on"] == LAST_DAY + dt.timedelta(days=2)
    assert report.verdict.startswith("A difference is shown")


def test_what_a_table_of_rewards_brings_those_it_moves_lies_in_its_interval(loop):
    report = read(loop, "tables")
    lift, told = true_lift(loop.truth, EFFECTS, "lean", "rich", "reward_arm"), of(report, "completion", "rich")
    assert lift > 0.1
    assert told["difference_low"] < lift < told["difference_high"]
    assert told["difference_low"] > 0
    assert report.arms["provider"].unique().to_list() == ["rewards"]
    moved = report.personas.filter(arm="rich").select("persona", "mean")
    still = report.personas.filter(arm="lean").select("persona", before="mean")
    by_persona = {name: mean - before for name, mean, before in moved.join(still, on="persona").iter_rows()}
    assert min(by_persona, key=by_persona.__getitem__) == "COMPANION", "which the richer table does not move"
    still = of(report, "rating", "rich")
    assert still["always_low"] < 0 < still["always_high"]


def test_nothing_is_shown_of_ratings_in_which_nothing_is_planted(report):
    told = of(report, "rating", "warm")
    assert told["always_low"] < 0 < told["always_high"]
    assert told["found_on"] is None
