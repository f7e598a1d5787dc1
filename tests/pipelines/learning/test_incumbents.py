"""Promotion compares with the model that serves, on days that neither has seen."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from models.contest.hold import hold_contest
from models.contest.promotion import FEWEST_FAIR, Incumbent
from models.tasks import binary_task
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.known import Known
from pipelines.learning.record import run_of
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import past_days
from pipelines.pins import day_start, make_night
from tests.academy import SETTINGS, academy

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("quick_learners")]

EARLY, LATE = (SETTINGS.start + dt.timedelta(days=day) for day in (33, 45))


class Certain:
    """A model that is sure of the opposite, or of the truth, of what happens."""

    def __init__(self, like, share: float) -> None:
        self.encoding, self.share = like.encoding, share

    def predict(self, rows):
        happened = rows["played" if "played" in rows.columns else "hit"].to_numpy().astype(float)
        return self.share * happened + (1 - self.share) * (1 - happened)


@pytest.fixture(scope="module")
def world(quick_learners, tmp_path_factory):
    """(app, the later night, the samples known at it, what was learned for plays and attainment early)."""
    with academy(tmp_path_factory) as (warehouse, loaded):
        app, samples = loaded.app, {}
        for day in (EARLY, LATE):
            night = make_night(warehouse, app, day, day_start(app, day))
            known = Known(warehouse, night)
            samples[day] = draw_samples(known, past_days(known, night.base_day), most=4000, seed=7)
        early = {task: hold_contest(binary_task(task), app, samples[EARLY], seed=7) for task in PLANNED_WITH}
    return app, night, samples[LATE], early


def decided(world, incumbent, task="plays"):
    app, night, samples, _ = world
    contest = hold_contest(binary_task(task), app, samples, seed=7, incumbent=incumbent)
    return contest.against, run_of(contest, night, "hash", "code").decision


@pytest.mark.parametrize("task", PLANNED_WITH)
def test_what_serves_stays_where_it_is_better_and_goes_where_it_is_worse(world, task):
    early = world[3][task]
    knew = max(early.data_window.values())
    serving = Incumbent("version 3", early.model, knew)
    better, decision = decided(world, replace(serving, model=Certain(early.model, 0.999)), task)
    assert better.rows >= FEWEST_FAIR
    assert better.gain[2] < 0
    assert (decision.promote, decision.reason.split(":")[0]) == (False, "version 3 is better")
    worse, decision = decided(world, replace(serving, model=Certain(early.model, 0.001)), task)
    assert worse.gain[1] > 0
    assert decision.promote
    assert f"better than version 3 ({worse.gain[1]:+.4f}" in decision.reason


def test_only_days_that_the_serving_model_has_not_seen_are_compared(world):
    early = world[3]["plays"]
    knew = max(early.data_window.values())
    assert EARLY - dt.timedelta(days=8) < knew < EARLY
    against, _ = decided(world, Incumbent("version 3", early.model, knew))
    later, _ = decided(world, Incumbent("version 3", early.model, knew + dt.timedelta(days=3)))
    assert 0 < later.rows < against.rows
    assert np.isfinite(against.gain).all()


def test_what_serves_stays_as_long_as_too_few_days_have_passed_to_compare(world):
    _, night, _, early = world
    against, decision = decided(world, Incumbent("version 3", early["plays"].model, night.base_day))
    assert (against.rows, against.gain) == (0, None)
    assert not decision.promote
    assert "version 3 serves on" in decision.reason


def test_what_cannot_serve_any_more_is_no_rival_and_the_page_says_why(world):
    gone = Incumbent("version 3", None, dt.date.max, "is of an older app file (new: windows of 9 days)")
    _, decision = decided(world, gone)
    assert decision.promote
    assert "version 3, which served, is of an older app file" in decision.reason
