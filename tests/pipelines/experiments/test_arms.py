import hashlib
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.content import Content
from configs.errors import NightquestError
from data.warehouse import scratch
from pipelines.experiments.arms import Arm, AvailableProviders, Trial, assign_arms, choose_arms, write_down
from pipelines.known import Known
from tests.pipelines.publish.nights import make_night

BOTH = ("openai", "anthropic")
PLAYERS = pl.DataFrame({"player_key": range(20_000)}, schema={"player_key": pl.Int64}).with_columns(
    user_id=pl.format("player-{}", "player_key")
)


def content(**changes) -> Content:
    return Content.model_validate(changes)


def experiment(**changes) -> Content:
    arms = {"grammar": {"provider": "offline", "weight": 3}, "models": {"provider": "both", "prompt": "next"}}
    return content(experiment={"name": "spring", "arms": arms, "goal": "rating", "policy": "thompson", **changes})


def assign(weights: dict[str, float], *, name: str = "spring", players: pl.DataFrame = PLAYERS) -> pl.DataFrame:
    with scratch() as warehouse:
        return assign_arms(
            warehouse, players, Trial(name, tuple(Arm(n, "offline", weight=w) for n, w in weights.items()))
        )


def told(trial: Trial) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(arm.name, arm.provider, arm.fallback) for arm in trial.arms]


@pytest.mark.parametrize(
    ("provider", "keys", "arms"),
    [
        ("auto", (), [("offline", "offline", ("offline",))]),
        ("auto", ("anthropic",), [("anthropic", "anthropic", ("offline",))]),
        ("openai", BOTH, [("openai", "openai", ("anthropic", "offline"))]),
        ("both", BOTH, [("both", "both", ("offline",))]),
        ("openai", ("anthropic",), [("anthropic", "anthropic", ("offline",))]),
        ("both", (), [("offline", "offline", ("offline",))]),
        ("offline", BOTH, [("offline", "offline", ("offline",))]),
    ],
)
def test_without_an_experiment_there_is_one_arm_that_ends_with_the_offline_writer(provider, keys, arms):
    trial = choose_arms(content(provider=provider), AvailableProviders(keys))
    assert (told(trial), trial.experiment) == (arms, "")
    assert bool(trial.notes) == (provider not in {"auto", arms[0][1]})


def test_two_keys_and_no_wish_are_two_equal_arms():
    trial = choose_arms(content(), AvailableProviders(BOTH))
    assert told(trial) == [
        ("openai", "openai", ("anthropic", "offline")),
        ("anthropic", "anthropic", ("openai", "offline")),
    ]
    assert trial.propensities == {"openai": 0.5, "anthropic": 0.5}
    assert trial.experiment


def test_an_experiment_wins_over_the_provider_and_keeps_its_weights_goal_and_prompts():
    trial = choose_arms(experiment(), AvailableProviders(BOTH))
    assert [(arm.name, arm.prompt) for arm in trial.arms] == [("grammar", "production"), ("models", "next")]
    assert trial.propensities == {"grammar": 0.75, "models": 0.25}
    assert (trial.experiment, trial.goal, trial.policy, trial.notes) == ("spring", "rating", "thompson", ())


def test_an_arm_without_its_key_is_left_out_and_named_with_the_key_to_set():
    trial = choose_arms(experiment(), AvailableProviders(("openai",)))
    assert told(trial) == [("grammar", "offline", ("offline",))]
    assert trial.experiment == ""
    assert "'models'" in trial.notes[0]
    assert "NIGHTQUEST_ANTHROPIC_API_KEY" in trial.notes[0]


def test_an_order_wins_over_the_app_file_and_without_its_key_it_is_refused():
    trial = choose_arms(experiment(), AvailableProviders(BOTH), provider="anthropic")
    assert told(trial) == [("anthropic", "anthropic", ("openai", "offline"))]
    with pytest.raises(NightquestError) as caught:
        choose_arms(content(), AvailableProviders(), provider="both")
    assert "NIGHTQUEST_OPENAI_API_KEY" in caught.value.remedy
    assert "NIGHTQUEST_ANTHROPIC_API_KEY" in caught.value.remedy


def test_an_assignment_is_the_same_on_every_machine_and_in_every_version():
    def race(user_id: str, arm: str, weight: float) -> float:
        digits = hashlib.sha256(f"spring\x1f{arm}\x1f{user_id}".encode()).hexdigest()[:13]
        return -math.log((int(digits, 16) + 0.5) / 2**52) / weight

    few, weights = PLAYERS.head(200), {"a": 1, "b": 2}
    expected = [min(weights, key=lambda arm: race(user, arm, weights[arm])) for user in few["user_id"]]
    assert assign(weights, players=few)["arm"].to_list() == expected
    assert assign({"b": 2, "a": 1}, players=few.reverse())["arm"].to_list() == expected
    assert "".join(assign({"a": 1, "b": 1}, players=PLAYERS.head(12))["arm"]) == "aaaaaaababaa"


def test_a_player_is_in_an_arm_with_the_chance_that_is_logged():
    found = (
        assign({"a": 5, "b": 3, "c": 2}).group_by("arm").agg(pl.len() / PLAYERS.height, pl.col("propensity").unique())
    )
    for arm, share, chances in found.iter_rows():
        assert chances == [pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2}[arm])]
        assert share == pytest.approx(chances[0], abs=4 * 0.5 / PLAYERS.height**0.5)


def test_another_experiment_assigns_anew_and_independently():
    both = assign({"a": 1, "b": 1}).join(assign({"a": 1, "b": 1}, name="autumn"), on="player_key")
    same = (both["arm"] == both["arm_right"]).mean()
    assert same == pytest.approx(0.5, abs=4 * 0.5 / PLAYERS.height**0.5)


def test_one_arm_takes_everybody():
    assert assign({"a": 2}).select("arm", "propensity").unique().rows() == [("a", 1.0)]


def test_players_of_no_number_give_no_rows():
    assert assign({"a": 1, "b": 1}, players=PLAYERS.clear()).schema == {
        "player_key": pl.Int64,
        "arm": pl.String,
        "propensity": pl.Float64,
    }


@settings(max_examples=25)
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_with_two_arms_exactly_the_players_who_must_move_move(before, after):
    few = PLAYERS.head(2000)
    moved = assign({"a": before, "b": 1 - before}, players=few).join(
        assign({"a": after, "b": 1 - after}, players=few), on="player_key"
    )
    moves = moved.filter(pl.col("arm") != pl.col("arm_right"))
    assert moves["arm_right"].unique().to_list() in ([], ["a" if after > before else "b"])


def test_when_one_of_many_arms_gains_the_others_only_give_to_it():
    moved = assign({"a": 1, "b": 1, "c": 1}).join(assign({"a": 1, "b": 2, "c": 1}), on="player_key")
    moves = moved.filter(pl.col("arm") != pl.col("arm_right"))
    assert moves["arm_right"].unique().to_list() == ["b"]
    assert moves.height / PLAYERS.height == pytest.approx(1 / 2 - 1 / 3, abs=0.015)


def test_what_is_written_down_again_changes_nothing_and_a_refresh_leaves_the_first_assignment():
    trial = Trial("spring", (Arm("a", "offline", weight=3), Arm("b", "openai", "next")))
    with scratch() as warehouse:
        assigned = assign_arms(warehouse, PLAYERS.head(50), trial)
        for _ in range(2):
            write_down(Known(warehouse, make_night()), trial, assigned)
        turned = trial.weighed({"a": 1, "b": 99})
        write_down(Known(warehouse, make_night(revision=2)), turned, assign_arms(warehouse, PLAYERS.head(60), turned))
        kept = warehouse.frame("SELECT player_key, arm, propensity FROM assignments WHERE revision = 1 ORDER BY ALL")
        arms = warehouse.frame(
            "SELECT revision, arm, place, provider, prompt, propensity FROM experiment_arms ORDER BY ALL"
        )
        assert kept.equals(assigned)
        assert warehouse.value("SELECT count(*) FROM assignments") == 60
    assert arms.rows() == [
        (1, "a", 0, "offline", "production", 0.75),
        (1, "b", 1, "openai", "next", 0.25),
        (2, "a", 0, "offline", "production", 0.01),
        (2, "b", 1, "openai", "next", 0.99),
    ]


def test_a_night_without_an_experiment_leaves_no_trace():
    trial = choose_arms(content(), AvailableProviders())
    with scratch() as warehouse:
        write_down(Known(warehouse, make_night()), trial, assign_arms(warehouse, PLAYERS.head(5), trial))
        assert warehouse.value("SELECT count(*) FROM assignments") == 0
        assert warehouse.value("SELECT count(*) FROM experiment_arms") == 0
