"""One round of `check` tells every fault of an app file: each once, in the order of the file."""

import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import load_app
from configs.wording import metric_words
from tests.factories import APP


def told(folder, **changes):
    path = folder / "app.yaml"
    path.write_text(yaml.safe_dump({**APP, **changes}, sort_keys=False), encoding="utf-8")
    with pytest.raises(AppFileError) as caught:
        load_app(path)
    return caught.value.message.splitlines()


def keys_of(lines):
    return [line.split(": ")[1].strip() for line in lines]


def badge(when):
    return {"title": "B", "tier": "bronze", "category": "c", "when": when}


def test_faults_of_every_kind_come_together_in_the_order_of_the_file(tmp_path):
    lines = told(
        tmp_path,
        badges={"b": badge("solved"), "c": badge("nothing >= 3")},
        personas={"P": {"traits": {"growth": 3}, "risk_tolerance": 0.5}},
        content={"mode": "lvie"},
    )
    assert len(lines) == 4
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    assert {
        key for line in lines for key in ("badges.b.when", "badges.c.when", "traits.growth", "mode") if key in line
    } == {
        "badges.b.when",
        "badges.c.when",
        "traits.growth",
        "mode",
    }


def test_a_value_that_fits_no_branch_of_a_choice_is_one_fault(tmp_path):
    assert len(told(tmp_path, content={"mode": "lvie"})) == 1
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


JUDGED = {"nominate_when": "solved", "criteria": "Explains patiently what others ask."}


def test_what_leads_nowhere_is_told_beside_what_does_not_fit(tmp_path):
    lines = told(
        tmp_path,
        metrics={
            **APP["metrics"],
            "solved": {**APP["metrics"]["solved"], "agg": "cont"},
            "topics": {**APP["metrics"]["topics"], "where": "topik = 'a'"},
            "best": {"event": "slove", "agg": "max", "of": "points"},
            "famous": {**APP["metrics"]["famous"], "task": "Get {goal} or {goal}"},
        },
        segments={"features": ["solved", "nothing"]},
        personas={"P": {"traits": {"growth": 3, "grace": 0.5}, "risk_tolerance": 0.5}},
        badges={
            "a": {"title": "A", "category": "c", "when": "solved >= 1"},
            "b": {**badge("points"), "tier": "tin"},
            "c": {"title": "C", "tier": "gold", "category": "c", "judged": JUDGED},
            "d": {"title": "D", "tier": "gold", "category": "c", "judged": {**JUDGED, "criteria": "Kind."}},
        },
        challenges={"metrics": ["solved", "elsewhere"], "windows": [1, 99]},
        source="nowhere",
        colour="red",
    )
    assert sorted(keys_of(lines)) == sorted([
        *("metrics.solved.agg", "metrics.topics.where", "metrics.best.event", "metrics.famous.task"),
        *("segments.score", "segments.features", "personas.P.traits.growth", "personas.P.traits"),
        *("badges.a.tier", "badges.b.tier", "badges.b.when", "badges.c.judged.nominate_when"),
        *("badges.d.judged.criteria", "badges.d.judged.nominate_when"),
        *("challenges.metrics", "challenges.windows.1", "source", "colour"),
    ])  # fmt: skip
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("section", ["title", "voice", "segments", "challenges", "metrics", "events"])
def test_a_missing_section_is_one_fault_and_hides_no_other(tmp_path, section):
    content = {**APP, "content": {"mode": "lvie"}}
    del content[section]
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(AppFileError) as caught:
        load_app(path)
    assert sorted(keys_of(caught.value.message.splitlines())) == sorted([section, "content.mode"])


def test_what_is_wrong_is_not_told_again_as_what_follows_from_it(tmp_path):
    metrics = {**APP["metrics"], "solved": {**APP["metrics"]["solved"], "agg": "sum"}}  # of nothing
    lines = told(tmp_path, metrics=metrics, badges={"b": badge("solved >= 3")})
    assert keys_of(lines) == ["metrics.solved"]


@pytest.mark.parametrize(
    ("unit", "plural", "words"),
    [
        ("records", "", ("record", "records")),
        ("minutes", "", ("minute", "minutes")),
        ("answers with a score of 10", "", ("answer with a score of 10", "answers with a score of 10")),
        ("lens", "lenses", ("lens", "lenses")),
        ("kudos", "", ("kudos", "kudos")),
        ("sales call", "", ("sales call", "sales calls")),
        ("hrs", "", ("hr", "hrs")),
        ("glass", "", ("glass", "glasses")),
        ("record", "", ("record", "records")),
    ],
)
def test_a_unit_may_be_written_as_one_or_as_several(tmp_path, unit, plural, words):
    metrics = {**APP["metrics"], "streak": {"agg": "streak", "unit": unit, "plural": plural}}
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump({**APP, "metrics": metrics}, sort_keys=False), encoding="utf-8")
    app = load_app(path).app
    told = metric_words(app, "streak")
    assert (told.unit, told.plural) == words
