"""What `check` says of rewards that may not be meant, and how each offer reads."""

import pytest

from pipelines.rewards.lint import lint_rewards, reward_samples
from tests.pipelines.rewards.promises import app_with

GEMS = {"gems": {"gives": "gem"}}
NAMED = {"points": {"gem": {"unit": "gem"}}, "titles": {}, "unlocks": {}}


@pytest.mark.parametrize(
    ("tables", "rewards", "key", "says"),
    [
        ({"all": GEMS, "old": {}}, {}, "tables.old", "no player has this table"),
        (
            {"all": {"gems": {"gives": "gem", "types": ["adaptive_mission"]}}},
            {},
            "tables.all.gems.types",
            "comes with it",
        ),
        ({"all": GEMS}, {"titles": {"sage": "Sage"}}, "titles.sage", "no offer gives it"),
        (
            {"all": GEMS | {"pearl": {"gives": "pearl"}}},
            {"points": {"gem": {"unit": "gem"}, "pearl": {"unit": "Gem"}}},
            "points.pearl",
            "reads the same as rewards.points.gem",
        ),
        (
            {"all": {"gems": {"gives": "gem", "price": {"base": 9}}}},
            {"budgets": {"gem": {"worst": 8}}},
            "budgets.gem.worst",
            "does not pay for one promise of the cheapest offer, 9",
        ),
        (
            {"all": {"gems": {"gives": "gem", "price": {"base": 9000}}}},
            {"budgets": {"gem": {"expected": 1}}},
            "budgets.gem.expected",
            "does not pay",
        ),
        (
            {"all": {"gems": {"gives": "gem", "price": {"base": 9}}}},
            {"budgets": {"gem": {"paid": 8}}},
            "budgets.gem.paid",
            "does not pay",
        ),
    ],
)
def test_what_may_not_be_meant_is_told_with_its_key(tables, rewards, key, says):
    (advice,) = lint_rewards(app_with(tables, **{**NAMED, **rewards}))
    assert advice.key == f"rewards.{key}"
    assert says in advice.says


def test_an_offer_for_certain_days_needs_what_has_a_last_day():
    def with_types(*types):
        offer = {"gives": "gem", "days": "usual", "types": list(types)}
        app = app_with({"all": {"gems": offer}}, **NAMED)
        written = app.content.model_copy(update={"types": [*app.content.types, "custom_achievement"]})
        return app.model_copy(update={"content": written})

    assert lint_rewards(with_types("daily_challenge", "custom_achievement")) == []
    told = lint_rewards(with_types("custom_achievement"))
    assert [advice.key for advice in told] == ["rewards.tables.all.gems.days"]


def test_every_offer_is_shown_with_its_price_within_its_difficulties():
    tables = {"all": {"gems": {"gives": "gem", "difficulty": [2, 6], "price": {"base": 2}}, "star": {"gives": "star"}}}
    told = [(row["form"], row["text"]) for row in reward_samples(app_with(tables))]
    prices = [("difficulty 2", "4 gems"), ("difficulty 5", "10 gems"), ("difficulty 6", "12 gems")]
    assert told == [*prices, ("gives", "the badge Star")]
