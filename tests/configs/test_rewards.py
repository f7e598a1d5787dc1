"""What is wrong with an app's rewards is refused with its key and what to do."""

import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import load_app
from tests.flows.world import write_app

GEMS = {"points": {"gem": {"unit": "gem"}}}


def offer(**changes):
    return {**GEMS, "tables": {"all": {"gems": {"gives": "gem", **changes}}}}


@pytest.mark.parametrize(
    ("rewards", "key", "fault", "remedy"),
    [
        (offer(price={"base": -5}), "tables.all.gems.price.base", "greater than or equal to 0", "Correct the value"),
        ({"badge_xp": {"gold": -5}}, "badge_xp.gold", "greater than or equal to 0", "Correct the value"),
        ({"achievement_xp": {"gold": -5}}, "achievement_xp.gold", "greater than or equal to 0", "Correct the value"),
        (offer(price={"base": 1e5, "exponent": 3}), "tables.all.gems.price", "beyond 1,000,000", "Lower base"),
        (offer(gives="gems"), "tables.all.gems.gives", "no 'gems' to give", "Use one of xp, regular, gem"),
        (offer(gives="regular"), "tables.all.gems.gives", "is earned otherwise", "Take its `when`"),
        (offer(difficulty=[7, 3]), "tables.all.gems", "difficulty is its least", "Write it as [4, 10]"),
        (
            {**GEMS, "titles": {"sage": "Sage"}, "tables": {"all": {"s": {"gives": "sage", "price": {"base": 2}}}}},
            "tables.all.s.price",
            "given once and has no price",
            "Leave it out",
        ),
        ({**GEMS, "unlocks": {"gem": "a gem"}}, "unlocks.gem", "something else already (rewards.points)", "Rename one"),
        ({**GEMS, "titles": {"xp": "X"}}, "titles.xp", "something else already", "Rename one"),
        ({**GEMS, "titles": {"regular": "X"}}, "titles.regular", "something else already (badges)", "Rename one"),
        ({**GEMS, "titles": {"sage": "S"}, "budgets": {"sage": {"worst": 1}}}, "budgets.sage", "only points", "Use"),
        ({**GEMS, "budgets": {"gem": {}}}, "budgets.gem", "a budget bounds something", "Say `expected`"),
        (
            {**offer(), "experiment": {"name": "x", "arms": {"all": 1, "none": 1}}},
            "experiment.arms",
            "'none' is not one of the tables (all)",
            "",
        ),
    ],
)
def test_what_is_wrong_with_rewards_is_told_with_key_and_remedy(tmp_path, rewards, key, fault, remedy):
    with pytest.raises(AppFileError) as error:
        load_app(write_app(tmp_path, rewards=rewards))
    (sentence,) = str(error.value).splitlines()
    assert f"rewards.{key}: " in sentence
    assert fault in sentence
    assert remedy in sentence


def test_a_badge_that_only_a_reward_gives_is_given_by_some_table_and_given_once(tmp_path):
    star = {"title": "Star", "tier": "gold", "category": "luck"}
    given = {"tables": {"all": {"star": {"gives": "star"}}}}
    assert load_app(write_app(tmp_path, rewards=given, badges={"star": star})).app.rewards.given == {"star"}
    for rewards, badge, fault in (
        ({}, star, "a table of rewards gives it"),
        (given, {**star, "season": {"on": "2024-01-01", "until": "2024-02-01"}}, "given once"),
    ):
        with pytest.raises(AppFileError, match=fault):
            load_app(write_app(tmp_path, rewards=rewards, badges={"star": badge}))


def test_two_experiments_cannot_have_one_name(tmp_path):
    arms = {name: {"provider": "offline"} for name in ("one", "two")}
    tables = {"tables": {"one": {}, "two": {}}, "experiment": {"name": "spring", "arms": {"one": 1, "two": 1}}}
    words = {"experiment": {"name": "spring", "arms": arms}}
    with pytest.raises(AppFileError, match="nobody could tell them apart"):
        load_app(write_app(tmp_path, rewards=tables, content=words))


def test_an_app_file_with_rewards_is_the_same_after_being_written_and_read(tmp_path):
    app = load_app(write_app(tmp_path, rewards=offer(chance=0.2, days="usual", each={"week": 2}))).app
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump(app.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    assert load_app(path).app.rewards == app.rewards
