"""Who serves, since when and against whom it won, as the registry and the nights that are out tell it."""

import shutil
from dataclasses import replace

import pytest

from configs.settings import Settings
from models.tasks import task_names
from pipelines.learning.job import run_train
from pipelines.publish.health import to_review
from pipelines.review.leaderboard import read_leaderboard
from pipelines.stores import open_registry
from tests.pipelines.nights import now
from tests.pipelines.trained import FIRST, NEXT


def seats_of(settings, loaded):
    board = read_leaderboard(settings, loaded.app, NEXT)
    return board, {seat.task: seat for seat in board.seats}


@pytest.fixture(scope="module")
def board(trained):
    return seats_of(Settings(home=trained.home), trained.loaded)


def test_every_question_has_who_serves_it_with_its_contest_and_the_first_night_made_with_it(board, trained):
    told, seats = board
    assert set(seats) == set(task_names())
    assert (told.fault, told.notes) == (None, [])
    plays = seats["plays"]
    assert (plays.version, plays.serves, plays.since, plays.why) == (1, True, FIRST, "")
    assert plays.data_until < FIRST
    losses = {each["learner"]: each["loss"] for each in plays.rivals}
    assert set(losses) >= {"base_rate", "habit", "logistic", "lightgbm"}
    chosen = next(each for each in plays.rivals if each["learner"] == plays.learner)
    assert chosen["low"] < chosen["loss"] < chosen["high"]
    (gain,) = plays.gains
    assert gain["over"] == "the base rate (the winner as it would have served)"
    (gain,) = seats["attainment"].gains
    losses = {each["learner"]: each["loss"] for each in seats["attainment"].rivals}
    assert gain["over"] == "the base rate"
    assert gain["gain"][0] == pytest.approx(losses["base_rate"] - losses[seats["attainment"].learner])
    assert seats["segments"].rivals == []
    assert "components" in seats["segments"].learner


def test_a_version_that_waits_is_told_with_its_reason_and_what_it_was_compared_with(trained, tmp_path):
    settings = trained.copy(tmp_path)
    run_train(settings, trained.loaded, as_of=NEXT, now=now(), only=["plays"])
    _, seats = seats_of(settings, trained.loaded)
    plays = seats["plays"]
    assert (plays.version, plays.since) == (1, FIRST)
    assert plays.waiting.version == 2
    assert plays.waiting.reason.endswith("on the later holdout")
    assert plays.waiting.learner in {each["learner"] for each in plays.rivals}
    client = open_registry(settings)._client
    client.set_registered_model_alias("puzzles.plays", "champion", "2")
    moved = seats_of(settings, trained.loaded)[1]["plays"]
    assert (moved.version, moved.since, moved.waiting) == (2, None, None)


def test_under_review_nothing_serves_before_a_person_lets_it_and_board_and_status_say_what_waits(trained, tmp_path):
    settings = trained.copy(tmp_path)
    client = open_registry(settings)._client
    client.delete_registered_model("puzzles.plays")
    careful = replace(trained.loaded, app=trained.loaded.app.model_copy(update={"promotion": "review"}))
    assert to_review(settings.home, "puzzles") == []
    run_train(settings, careful, as_of=NEXT, now=now(), only=["plays"])
    assert to_review(settings.home, "puzzles") == ["plays version 1"]
    plays = seats_of(settings, careful)[1]["plays"]
    assert plays.version is None
    assert (plays.waiting.version, plays.waiting.to_review) == (1, True)
    assert plays.waiting.reason.startswith("waits for review, as none serves")
    client.set_registered_model_alias("puzzles.plays", "champion", "1")
    assert to_review(settings.home, "puzzles") == []
    moved = seats_of(settings, careful)[1]["plays"]
    assert (moved.version, moved.waiting) == (1, None)
    assert to_review(tmp_path / "nowhere", "puzzles") == []


@pytest.mark.parametrize("lost", [["mlflow.db", "mlartifacts"], ["mlflow.db"], ["mlartifacts"]])
def test_of_a_registry_that_is_lost_it_is_told_what_is_lost_and_what_helps(trained, tmp_path, lost):
    settings = trained.copy(tmp_path)
    for name in lost:
        path = settings.home / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    told, seats = seats_of(settings, trained.loaded)
    assert told.fault
    assert f"{told.fault.message} {told.fault.remedy}" in told.notes
    assert "nightquest train" in told.fault.remedy
    assert not any(seat.serves for seat in seats.values())
    assert all(seat.why for seat in seats.values())
    assert "mlflow.db" not in lost or not (settings.home / "mlflow.db").exists()  # a look makes none


def test_where_nothing_was_trained_each_question_says_what_stands_in(trained, tmp_path):
    told, seats = seats_of(Settings(home=tmp_path), trained.loaded)
    assert told.notes == ["No model of puzzles is registered yet. Run: nightquest train APP"]
    assert seats["plays"].why == "nothing serves: each night learns its own"
    assert seats["churn"].why == "nothing serves: there are no scores of it"
    assert list(tmp_path.iterdir()) == []
