"""Training says what it does from its first step to its last, and learns no more than is asked for."""

import pytest

from configs.errors import NightquestError
from flows.parameters import seconds_of
from pipelines.learning.job import run_train
from pipelines.learning.steps import training_steps
from pipelines.stores import open_registry
from tests.pipelines.nights import now
from tests.pipelines.trained import NEXT


def test_every_step_of_training_shows_on_one_bar_and_the_last_ends_it(trained):
    steps = training_steps()
    assert trained.steps == [
        *((f"training: {step}", place, len(steps)) for place, step in enumerate(steps)),
        ("training", len(steps), len(steps)),
    ]


def test_only_the_task_that_is_named_is_learned_and_the_others_stay_as_they_are(trained, tmp_path):
    settings, steps = trained.copy(tmp_path), []
    report = run_train(
        *(settings, trained.loaded),
        as_of=NEXT,
        now=now(),
        progress=lambda *step: steps.append(step[0]),
        only=["plays"],
        budget_s=300,
    )
    assert report.versions == {"plays": 2}
    assert set(report.contests["task"]) == {"plays"}
    assert set(report.contests["learner"]) == {"base_rate", "habit", "logistic", "lightgbm"}
    assert steps == [*(f"training: {step}" for step in training_steps(["plays"])), "training"]
    assert len(steps) == 4
    listed = open_registry(settings).reviewable("puzzles")
    assert listed.filter(task="plays").height == 2
    assert listed.filter(task="attainment").height == trained.versions["attainment"]


def test_a_task_that_there_is_not_is_refused_with_those_there_are(trained):
    with pytest.raises(NightquestError) as told:
        run_train(None, trained.loaded, as_of=NEXT, now=now(), only=["plays", "chrun"])
    assert told.value.message == "There is no task 'chrun' to learn."
    assert "churn" in told.value.remedy


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5 h", 5400), (None, None)])
def test_a_budget_is_a_time_in_seconds_minutes_or_hours(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["10", "soon", "-5m", "2s", "48h", "1d", ""])
def test_what_is_no_time_to_train_in_is_refused_with_an_example(text):
    with pytest.raises(NightquestError, match="Give one from 10s to 24h"):
        seconds_of(text)
