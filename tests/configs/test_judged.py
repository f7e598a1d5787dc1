"""What an app file may say of badges that are given by judgement."""

import pytest
import yaml

from tests.configs.toy import TOY, line_of, problems

CRITERIA = "Honours somebody who keeps solving with care."


def sentence_of(tmp_path, **judged) -> tuple[str, str]:
    """The file's text and the one problem with it."""
    how = {"nominate_when": "solved > 3", "criteria": CRITERIA, **judged}
    badge = {"x": {"title": "X", "tier": "gold", "category": "c", "judged": how}}
    text = TOY + yaml.safe_dump({"badges": badge}, width=5000)
    (sentence,) = problems(tmp_path, text)
    return text, sentence


@pytest.mark.parametrize("rule", ["solvd > 3", "getenv('HOME') = 'x'", "solved > (SELECT 1)", "1 = 1"])
def test_a_nominating_rule_is_read_as_strictly_as_one_that_earns(tmp_path, rule):
    text, sentence = sentence_of(tmp_path, nominate_when=rule)
    line = line_of(text, "nominate_when: ")
    assert sentence.startswith(f"{tmp_path}/toy.yaml:{line}: badges.x.judged.nominate_when: ")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("metrics", ["solvd"], "'solvd' is not one of the metrics"),
        ("events", ["solv"], "'solv' is not one of the events"),
        ("properties", ["colour"], "has a property 'colour'"),
        ("criteria", "too short", "at least 20 characters"),
        ("per_night", 0, "greater than or equal to 1"),
        ("second_opinion", 1.5, "less than or equal to 1"),
        ("min_confidence", -1, "greater than or equal to 0"),
        ("critera", "x", "is not a key that stands here"),
    ],
)
def test_what_is_wrong_with_a_judged_badge_is_told_with_its_key(tmp_path, key, value, fault):
    _, sentence = sentence_of(tmp_path, **{key: value})
    assert f"badges.x.judged.{key}" in sentence
    assert fault in sentence


@pytest.mark.parametrize("both", [True, False])
def test_a_badge_is_earned_or_judged_and_not_both_or_neither(tmp_path, both):
    ways = {"when": "solved > 3", "judged": {"nominate_when": "solved > 3", "criteria": CRITERIA}} if both else {}
    badge = {"x": {"title": "X", "tier": "gold", "category": "c", **ways}}
    (sentence,) = problems(tmp_path, TOY + yaml.safe_dump({"badges": badge}))
    assert "badges.x" in sentence
    assert "either `when`" in sentence
