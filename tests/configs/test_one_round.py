"""One round of `check` tells every fault of an app file: each once, in the order of the file."""

import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import load_app
from tests.factories import APP


def told(folder, **changes):
    path = folder / "app.yaml"
    path.write_text(yaml.safe_dump({**APP, **changes}, sort_keys=False), encoding="utf-8")
    with pytest.raises(AppFileError) as caught:
        load_app(path)
    return caught.value.message.splitlines()


def badge(when):
    return {"title": "B", "tier": "bronze", "category": "c", "when": when}


def test_faults_of_every_kind_come_together_in_the_order_of_the_file(tmp_path):
    lines = told(
        tmp_path,
        badges={"b": badge("solved"), "c": badge("nothing >= 3")},
        personas={"P": {"traits": {"growth": 3}, "risk_tolerance": 0.5}},
        content={"provider": "openia"},
    )
    assert len(lines) == 4
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    assert {
        key for line in lines for key in ("badges.b.when", "badges.c.when", "traits.growth", "provider") if key in line
    } == {
        "badges.b.when",
        "badges.c.when",
        "traits.growth",
        "provider",
    }


def test_a_value_that_fits_no_branch_of_a_choice_is_one_fault(tmp_path):
    assert len(told(tmp_path, content={"provider": "openia"})) == 1
    metrics = {**APP["metrics"], "solved": {"event": 5}}
    assert len([line for line in told(tmp_path, metrics=metrics) if "metrics.solved.event" in line]) == 1


@pytest.mark.parametrize("when", ["solved", "solved + 1", "3 <= solved <= 5", "solved >= 3 AND points", "NOT points"])
def test_a_when_that_is_no_condition_is_refused(tmp_path, when):
    assert "badges.b.when" in told(tmp_path, badges={"b": badge(when)})[0]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"label": "How far you ran"}, "label"),
        ({"label": "Puzzles. Solved!"}, "label"),
        ({"task": "Solve a {goal}"}, "task"),
        ({"task": "Solve {goal} puzzles"}, "task"),
        ({"task": "Solve {goal} or {goal}"}, "task"),
    ],
)
def test_words_that_make_no_sentence_are_refused_where_they_stand(tmp_path, changes, key):
    metrics = {**APP["metrics"], "solved": {**APP["metrics"]["solved"], **changes}}
    assert f"metrics.solved.{key}: " in told(tmp_path, metrics=metrics)[0]
