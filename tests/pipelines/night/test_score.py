"""A night's scores: why is told of the players it matters most for, whatever the buckets they are asked in."""

from types import SimpleNamespace

import polars as pl
import pytest

from configs.settings import Settings
from models.given import Asked
from models.task import as_scores
from pipelines.engines import buckets_of
from pipelines.night import score
from pipelines.night.score import Served

PLAYERS = pl.DataFrame({"player_key": range(30), "base_day": [0] * 30})
NOTHING = pl.DataFrame()


class Question:
    """How likely is a player to have a high number; a model that can tell why tells of each."""

    name = "high"
    asks_of_past = asks_of_badges = False
    asks_of_days = 0

    def __init__(self, spoken: bool = True) -> None:
        self.spoken = spoken

    def kinds(self, _app):
        return {"number": 1} if self.spoken else {}

    def scores(self, _model, _app, asked):
        return as_scores(asked.features.select("player_key", window_days=7, probability=pl.col("player_key") / 30))

    def why(self, _model, _app, asked, scores):
        assert set(asked.features["player_key"]) == set(scores["player_key"])
        told = pl.format("has {}", "player_key")
        return as_scores(asked.features.select("player_key", window_days=7, reasons=told))


class Model:
    """Answers a question."""

    encoding, untold, usual = None, (), {}

    def __init__(self, task: Question) -> None:
        self.task = task

    def predict(self, rows):
        return rows["player_key"].to_numpy() / 30

    def contributions(self, rows):
        return rows


class Remembering(Question):
    """Tells how many rows it saw of a player's past."""

    asks_of_past = True

    def scores(self, model, app, asked):
        assert set(asked.past["player_key"]) == set(asked.features["player_key"])
        return super().scores(model, app, asked)


class Past:
    """Two rows a player, read when they are asked for."""

    def __init__(self) -> None:
        self.read = []

    def of(self, players):
        self.read.append(len(players))
        return pl.DataFrame({"player_key": [*players, *players]})


def scored(tmp_path, task=None, kept=score.NOTHING_KEPT, **told) -> pl.DataFrame:
    served = Served(Model(task or Question()), "high/1")
    asked = Asked(PLAYERS, NOTHING, NOTHING, NOTHING)
    known = SimpleNamespace(app=None)
    rows = score._scores(known, served, asked, buckets_of(Settings(home=tmp_path, **told)), kept)
    return rows.sort("player_key")


def test_of_few_players_all_are_told_why(tmp_path):
    assert scored(tmp_path)["reasons"].to_list() == [f"has {key}" for key in range(30)]


@pytest.mark.parametrize("buckets", [1, 4])
def test_of_many_those_first_of_whom_something_is_the_likeliest(tmp_path, monkeypatch, buckets):
    monkeypatch.setattr(score, "MOST_EXPLAINED", 3)
    rows = scored(tmp_path, buckets=buckets)
    assert rows["reasons"].to_list() == [None] * 27 + ["has 27", "has 28", "has 29"]
    assert rows["probability"].to_list() == pytest.approx([key / 30 for key in range(30)])
    assert rows.columns == list(score.TOLD)


def test_past_windows_are_read_a_bucket_at_a_time_for_a_question_that_asks_of_them_and_for_no_other(tmp_path):
    past = Past()
    scored(tmp_path, kept={"past": past}, buckets=3)
    assert past.read == []
    scored(tmp_path, Remembering(), {"past": past}, buckets=3)
    assert len(past.read) == 2 * 3  # asked, and asked why
    assert sum(past.read) == 2 * 30


def test_a_question_without_words_is_not_asked_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(score, "MOST_EXPLAINED", 3)
    assert scored(tmp_path, Question(spoken=False))["reasons"].null_count() == 30


@pytest.mark.parametrize("buckets", [1, 4])
def test_a_model_is_asked_of_some_players_at_a_time_however_many_a_bucket_has(tmp_path, monkeypatch, buckets):
    asked = list[int]()

    class Counting(Remembering):
        def scores(self, model, app, some):
            asked.append(some.features.height)
            return super().scores(model, app, some)

    whole = scored(tmp_path, Counting(), {"past": Past()}, buckets=buckets)
    assert sum(asked) == 30
    asked.clear()
    monkeypatch.setattr(score, "AT_A_TIME", 12)
    monkeypatch.setattr(score, "FEW", 4)
    assert scored(tmp_path, Counting(), {"past": Past()}, buckets=buckets).equals(whole)
    assert sum(asked) == 30
    assert max(asked) <= 12
    assert buckets > 1 or max(asked) - min(asked) <= 2, "no core waits for the larger part of another"
