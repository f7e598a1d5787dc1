"""What a night adds to the rows that it issues."""

import json
from types import SimpleNamespace

import polars as pl

from pipelines.experiments.arms import Trial
from pipelines.night.metadata import _with_arms


def of_players(*arms: str) -> SimpleNamespace:
    assigned = pl.DataFrame({"player_key": range(len(arms)), "arm": arms, "propensity": 0.5})
    return SimpleNamespace(trial=Trial("tried", ()), assigned=assigned)


def test_a_challenge_tells_the_arms_of_its_player_of_words_and_of_rewards():
    words = of_players("warm")
    words.rewards = of_players("plain", "rich")
    rows = pl.DataFrame({"player_key": [1, 0], "metadata": ['{"plays": "x"}'] * 2})
    told = [json.loads(one) for one in _with_arms(rows, words)["metadata"]]
    assert told == [{"plays": "x", "reward_arm": "rich"}, {"plays": "x", "arm": "warm", "reward_arm": "plain"}]
    words.rewards = SimpleNamespace(trial=Trial("", ()), assigned=pl.DataFrame())
    assert json.loads(_with_arms(rows, words)["metadata"][0]) == {"plays": "x"}
