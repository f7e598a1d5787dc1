"""Trained models serve only an app file that asks what they were trained for."""

import pytest

from models.learned import LearnedModel
from models.learners.habit import Habit
from models.task import Encoding
from models.tasks.engagement import Engagement, Levels
from models.tasks.plays import Plays
from pipelines.learning.outdated import DEFINITIONS, definitions_of, edited_since, unfit
from pipelines.players.features import compute_features, feature_names
from tests.factories import APP as TOY
from tests.factories import event, known_at, make_app, warehouse_with

APP = make_app()
PLAYS = LearnedModel(Plays(), Encoding(APP.challenges.windows), Habit())
LEARNED = {DEFINITIONS: definitions_of(APP)}


def with_metric(name: str, **changes: str):
    return make_app(metrics={**TOY["metrics"], name: {**TOY["metrics"].get(name, {}), **changes}})


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (make_app(challenges={**TOY["challenges"], "windows": [1, 5, 7]}), "windows of 5 days"),
        (make_app(challenges={"metrics": [*TOY["challenges"]["metrics"], "best"]}), "what best counts"),
        (with_metric("points", where="topic = 'maths'"), "what points counts"),
        (with_metric("points", agg="max"), "what points counts"),
        (make_app(events={**TOY["events"], "quiz": {}}), "what days"),
    ],
)
def test_models_do_not_serve_what_was_edited_after_their_training(app, said: str) -> None:
    assert said in edited_since(app, PLAYS, LEARNED)


@pytest.mark.parametrize(
    "app",
    [
        APP,
        make_app(challenges={**TOY["challenges"], "windows": [1, 7]}),
        make_app(challenges={"metrics": ["solved", "points"]}),
        with_metric("points", label="points won", unit="pt", task="Win {goal}"),
        make_app(title="Other", voice={"theme": "gardens"}),
    ],
)
def test_models_go_on_serving_when_words_change_or_less_is_asked(app) -> None:
    assert edited_since(app, PLAYS, LEARNED) == ""


def test_levels_that_go_by_something_else_are_asked_of_no_model_of_engagement_and_harm_no_other() -> None:
    levels = LearnedModel(Engagement(), Levels({7: (5, 10, 20), 28: (20, 40, 80)}), Habit())
    assert edited_since(APP, levels, LEARNED) == ""
    for app in (make_app(engagement={"metric": "points"}), make_app(engagement={"metric": "solved"})):
        assert "what engagement goes by" in edited_since(app, levels, LEARNED)
        assert edited_since(app, PLAYS, LEARNED) == ""
    learned = {DEFINITIONS: definitions_of(make_app(engagement={"metric": "points"}))}
    counted = make_app(
        metrics={**TOY["metrics"], "points": {**TOY["metrics"]["points"], "agg": "max"}},
        engagement={"metric": "points"},
        challenges={"metrics": ["solved"]},
    )
    assert "what engagement goes by" in edited_since(counted, levels, learned)


def test_a_model_of_one_question_answers_no_other_wherever_its_alias_is_moved_to() -> None:
    assert unfit(APP, "plays", PLAYS, LEARNED) == ""
    assert unfit(APP, "churn", PLAYS, LEARNED) == "one of plays"
    assert unfit(APP, "segments", PLAYS, LEARNED) == "one of plays"
    assert unfit(APP, "plays", PLAYS, {}).startswith("of an older app file")


def test_models_of_whose_training_no_definitions_are_known_do_not_serve() -> None:
    assert "not recorded" in edited_since(APP, PLAYS, {})


def test_a_metric_may_have_two_underscores_in_its_name() -> None:
    app = with_metric("solved__twice", event="solve")
    with warehouse_with(app, [event(1, 0), event(1, 1)]) as warehouse:
        snapshots = warehouse.frame("SELECT 1::BIGINT AS player_key, DATE '2024-01-08' AS base_day")
        rows = compute_features(known_at(warehouse, app), snapshots)
    assert rows["solved__twice__28"].to_list() == [2.0]
    assert set(feature_names(app)) <= set(rows.columns)
