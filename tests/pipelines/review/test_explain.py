"""What a model says of one player is what the night published of them, in words; and what cannot be is one sentence."""

import shutil
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from configs.errors import NightquestError
from configs.settings import Settings
from flows.cli.explain_view import explanation_view
from pipelines.publish.published import read_latest
from pipelines.review.explain import explain_score, explained_tasks
from pipelines.stores import open_app
from tests.pipelines.nights import now
from tests.pipelines.trained import FIRST
from tests.printed import printed


@pytest.fixture(scope="module")
def world(trained, tmp_path_factory):
    return trained.copy(tmp_path_factory.mktemp("explained")), trained.loaded


def test_what_is_explained_is_what_the_night_published(world):
    (settings, loaded), task = world, "engagement"
    published = read_latest(settings.home, "puzzles").table("scores").filter(task=task)
    user = published.drop_nulls("reasons")["user_id"][0] if published["reasons"].count() else published["user_id"][0]
    mine = published.filter(user_id=user)
    told = explain_score(settings, loaded, user, task, now())
    assert (told.night, told.version) == (FIRST, mine["model_version"][0])
    answers = {(row["target"], row["horizon_days"]): row["probability"] for row in mine.to_dicts()}
    assert {(row["target"], row["horizon_days"]): row["probability"] for row in told.scores} == pytest.approx(answers)
    reasons = {(row["target"], row["horizon_days"]): "; ".join(row["facts"]) for row in told.reasons}
    assert reasons == {
        (row["target"], row["horizon_days"]): row["reasons"] for row in mine.to_dicts() if row["reasons"]
    }
    assert sum(told.looks_at.values()) == pytest.approx(1, abs=0.06)
    assert told.changes == []
    assert set(told.looks_at) <= {
        "anything else",
        *(k.about for k in explained_tasks(loaded.app)[task].kinds(loaded.app).values()),
    }


def test_a_second_opinion_stands_beside_the_same_answers_with_what_differs(world):
    asked = (False, True, True)
    alone, told, again = (
        explain_score(*world, "player-12", "attainment", now(), second_opinion=each) for each in asked
    )
    assert alone.second is None
    assert replace(told, second=None) == alone
    assert told == again
    assert 0 < told.second.fidelity < 1
    assert any(row["differs"] for row in told.second.reasons)
    first = {(row["target"], row["horizon_days"]): row["facts"] for row in told.reasons}
    for row in told.second.reasons:
        mine = first.get((row["target"], row["horizon_days"]), [])
        assert len(row["differs"]) == len(set(mine) - set(row["facts"]))
    shown = printed(explanation_view(told, {}), width=100)
    assert f"an R squared of {told.second.fidelity:.2f}" in shown
    assert "differs: " in shown
    assert "second opinion" not in printed(explanation_view(alone, {}))


def test_who_looks_at_one_thing_alone_has_no_second_opinion(world):
    with pytest.raises(NightquestError, match="what persistence says does not move with the features"):
        explain_score(*world, "player-7", "engagement", now(), second_opinion=True)


@pytest.mark.parametrize(
    ("user", "task", "message", "remedy"),
    [
        (
            "player-0",
            "chrun",
            "No question 'chrun' is explained.",
            "Give --task one of: anomaly, attainment, badge_odds, churn, engagement, plays",
        ),
        ("player-0", "segments", "No question 'segments' is explained.", "Give --task one of: "),
        ("nobody", "churn", "'puzzles' has no player 'nobody'.", "Write the id as the app's own data has it."),
    ],
)
def test_a_wrong_name_is_told_in_a_sentence_with_what_to_give(world, user, task, message, remedy):
    with pytest.raises(NightquestError) as told:
        explain_score(*world, user, task, now())
    assert told.value.message == message
    assert told.value.remedy.startswith(remedy)


def test_without_a_model_it_says_how_to_get_one(trained, tmp_path):
    shutil.copytree(trained.home / "warehouse", tmp_path / "home" / "warehouse")
    with pytest.raises(NightquestError) as told:
        explain_score(Settings(home=tmp_path / "home"), trained.loaded, "player-0", "churn", now())
    assert told.value.message == "No model of churn serves yet."
    assert told.value.remedy == "Run: nightquest train APP"


def asked(settings) -> pl.DataFrame:
    """The challenges that the night issued."""
    night = read_latest(settings.home, "puzzles")
    return night.table("challenges").filter(issued_on=night.manifest.as_of)


def test_who_plays_is_explained_as_the_night_published_it(world):
    (settings, loaded) = world
    published = read_latest(settings.home, "puzzles").table("scores").filter(task="plays")
    for user in ("player-0", "player-7", "player-31"):
        mine = published.filter(user_id=user).sort("horizon_days")
        told = explain_score(settings, loaded, user, "plays", now())
        assert [row["probability"] for row in told.scores] == pytest.approx(mine["probability"].to_list())
        assert [row["horizon_days"] for row in told.scores] == mine["horizon_days"].to_list()
        assert told.version == mine["model_version"][0]
    assert set(published["reasons"]) == {None}  # they are told of whom somebody asks for


def test_a_challenge_is_explained_with_the_chance_that_it_was_given(world):
    settings, loaded = world
    challenges = asked(settings)
    user = challenges["user_id"][0]
    mine = challenges.filter(user_id=user)
    told = explain_score(settings, loaded, user, "attainment", now())
    rows = mine.with_row_index("place").explode("requirements").unnest("requirements").to_dicts()
    asked_for = {
        (f"{loaded.app.called(row['metric'])} at least {row['target']:g}", row["window_days"]): row for row in rows
    }
    found = {(row["target"], row["horizon_days"]): row["probability"] for row in told.scores}
    assert set(found) == set(asked_for)
    parts = Counter(row["place"] for row in rows)
    assert 1 in parts.values()
    for key, row in asked_for.items():
        if parts[row["place"]] == 1:
            assert found[key] == pytest.approx(row["probability_if_active"], abs=1e-6)
        else:  # a mission's chance is that of all its parts
            assert found[key] >= row["probability_if_active"] - 1e-6
    facts = [fact for row in told.reasons for fact in row["facts"]]
    assert facts
    assert all(fact.endswith(("(raises it)", "(lowers it)")) for fact in facts)


def test_who_was_asked_nothing_has_no_challenge_to_explain(world):
    settings, loaded = world
    with open_app(settings, loaded) as warehouse:
        of = "player_key = (SELECT player_key FROM players WHERE user_id = 'player-44')"
        warehouse.run(f"DELETE FROM challenges WHERE {of}")
    with pytest.raises(NightquestError, match=r"The night of .* asked nothing of 'player-44'\."):
        explain_score(settings, loaded, "player-44", "attainment", now())
