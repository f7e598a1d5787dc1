"""Answers: read without trust, every text held to its brief, and what was wrong said so that it can be mended."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.kinds import content_type_names
from configs.loader import load_app
from pipelines.words.briefs import Brief
from pipelines.words.types import content_type as type_of
from pipelines.words.writers.answers import (
    Draft,
    answer_model,
    answer_schema,
    check,
    json_schema,
    read_answer,
    read_drafts,
)
from pipelines.words.writers.offline import Variant, write_variants

APP = load_app("trading").app
GOOD = [
    {
        "title": "A Quiet Harbour",
        "description": "Know your way out first. Close {goal_1} with a stop-loss in place {window}.",
    },
    {
        "title": "The Open Page",
        "description": "Your aim for {period}: close {goal_1} with a stop-loss in place. Then rest.",
    },
    {
        "title": "Steady Hands",
        "description": "{window}, close {goal_1} with a stop-loss in place. Calm wins the long road.",
    },
]


def brief(content_type="daily_challenge", metric="protected_trades", occasion="", language="en"):
    return Brief("b", content_type, "WARDEN", metric, "fair", language, occasion, 64)


def answer(*entries):
    return json.dumps({"variants": list(entries)})


def read(*entries, of=None, **options):
    return read_answer(APP, of or brief(), answer(*entries), **options)


def changed(**fields):
    return GOOD[0] | fields


def test_good_texts_become_variants_in_their_order_like_the_offline_writers():
    checked = read(*GOOD)
    assert [v.title for v in checked.good] == [entry["title"] for entry in GOOD]
    assert [v.text for v in checked.good] == [entry["description"] for entry in GOOD]
    assert (checked.faults, checked.refused) == ((), 0)
    offline = write_variants(APP, brief(), seed=1)[0]
    assert isinstance(checked.good[0], Variant)
    assert len(checked.good[0].variant) == len(offline.variant)
    assert read({"title": offline.title, "description": offline.text}).good[0].variant == offline.variant
    assert json.loads(checked.good[0].metadata) == {"language": "en", "written": "model"}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (changed(description="Close {goal_1} with a stop-loss in place."), "{window} or {period} or {until} 0 times"),
        (changed(description="Close a trade or so {window}. Rest {goal_1}."), "has 'close {goal_1} with a stop-loss"),
        (changed(description="Close {goal_1} under a stop {window}."), "has 'close {goal_1} with a stop-loss"),
        (changed(description=GOOD[0]["description"] + " It pays 500 points."), "number of its own: '5"),
        (changed(description=GOOD[0]["description"] + " Do it today."), "time of its own"),
        (changed(description=GOOD[0]["description"] + " Profits will follow."), "profit"),
        (changed(description=GOOD[0]["description"] + " Hurry up."), "urgency"),
        (changed(description=GOOD[0]["description"] + " {bonus}"), "{bonus}, which nothing fills"),
        (changed(description=GOOD[0]["description"] + " <b>Go</b>."), "markup"),
        (changed(description=GOOD[0]["description"] + " Write to a@b.example."), "contact"),
        (changed(description=GOOD[0]["description"] + "\nGo."), "carries"),
        (changed(description=GOOD[0]["description"] + " As an AI, I wish you luck."), "talks about itself"),
        (changed(description=GOOD[0]["description"] + " Steady. " * 40), "characters long"),
        (changed(description=""), "is empty"),
        (changed(title=""), "title is empty"),
        (changed(title="Close {goal_1}"), "title has the slot"),
        (changed(title="Harbour " * 9), "title is up to"),
        (changed(title="Sei nicht faul, fang an mit einem ruhigen Blick auf die Karte"), "written in 'de'"),
    ],
)
def test_a_text_with_a_fault_is_left_out_and_the_others_stay(entry, says):
    checked = read(entry, *GOOD[1:])
    assert [v.title for v in checked.good] == [other["title"] for other in GOOD[1:]]
    assert checked.refused == 1
    assert any(says in fault for fault in checked.faults)


def test_a_text_that_stands_there_already_is_a_fault_whatever_its_capitals():
    twin = {
        "title": "Another Name",
        "description": GOOD[0]["description"].replace("Know", "KNOW").replace("Close", "close"),
    }
    same_title = {"title": GOOD[0]["title"].upper(), "description": GOOD[1]["description"]}
    assert len(read(GOOD[0], twin).good) == 1
    assert len(read(GOOD[0], same_title).good) == 1
    assert read(GOOD[0], avoid=["a quiet HARBOUR"]).good == ()
    first = read(GOOD[0]).good
    assert read({"title": "New", "description": GOOD[0]["description"]}, avoid=first).good == ()
    assert "stands there already" in read(GOOD[0], avoid=first).faults[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("Sure! Here are your texts.", "not JSON"),
        ('{"variants": [', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"variants": {}}', "no list"),
        ('{"texts": []}', "no list"),
        ("[]", "no list"),
        ("null", "no list"),
        ('{"variants": []}', "no texts"),
        ('{"variants": [3, null, "x", {"title": "A"}]}', "not as the schema says"),
        ('{"variants": [{"title": 3, "description": "x"}]}', "not as the schema says"),
        ('{"variants": [{"title": "A", "description": "x", "reward": "500"}]}', "not as the schema says"),
        ('{"variants": "' + "x" * 300_000 + '"}', "far too long"),
    ],
)
def test_an_answer_that_cannot_be_read_has_no_text_and_says_why(text, says):
    checked = read_answer(APP, brief(), text)
    assert checked.good == ()
    assert says in checked.faults[0]


@given(
    st.text()
    | st.recursive(st.none() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)).map(
        json.dumps
    )
)
def test_no_answer_whatever_it_is_breaks_the_reading(text):
    checked = read_answer(APP, brief(), text)
    assert checked.good == ()
    assert checked.faults


def test_an_answer_in_a_fence_is_read_and_one_broken_entry_costs_no_other():
    checked = read_answer(APP, brief(), f"```json\n{answer(GOOD[0], {'title': 1}, GOOD[1])}\n```")
    assert len(checked.good) == 2
    assert len(checked.faults) == 1


def test_an_answer_in_another_language_is_refused_as_a_whole():
    german = [
        {
            "title": "Ruhiger Hafen",
            "description": "Wisse zuerst, wo du hinausgehst. Schliesse {goal_1} mit einem Stop {window}.",
        },
        {
            "title": "Offene Seite",
            "description": "Schreib auf, was du gesehen hast, und dann ruh dich aus {window}: {goal_1}.",
        },
    ]
    checked = read(*german)
    assert checked.good == ()
    assert checked.faults == ("the answer is written in 'de' instead of 'en'",)
    assert checked.refused == 2


def test_in_another_language_the_task_is_translated_and_its_slots_stay():
    german = {
        "title": "Ruhiger Hafen",
        "description": "Kenne deinen Ausgang, bevor du hineingehst. Schließe {window} {goal_1} mit gesetztem Stopp.",
    }
    assert read(german, of=brief(language="de")).faults == ()
    spoilt = german | {"description": german["description"] + " Das ist garantiert."}
    assert any("profit" in fault for fault in read(spoilt, of=brief(language="de")).faults)


def test_the_steps_of_a_tutorial_become_one_text():
    of = brief("tutorial", "journal_entries")
    steps = [
        "Open the journal while the trade is fresh",
        "Put the reason down before the result. ",
        "",
        "Write {goal_1} that way.",
    ]
    checked = read({"title": "Write a Useful Debrief", "steps": steps}, of=of)
    assert checked.faults == ()
    assert checked.good[0].text == (
        "Open the journal while the trade is fresh. Put the reason down before the result. Write {goal_1} that way."
    )
    numbered = read({"title": "Write a Debrief", "steps": ["1. Open it.", "2. Write {goal_1}."]}, of=of)
    assert any("number of its own" in fault for fault in numbered.faults)


def test_a_citation_has_no_title_and_names_its_badge():
    of = brief("badge_citation", "field_medic", "shown")
    checked = read(
        {"citation": "Field Medic, in silver, for {evidence}."}, {"citation": "In silver, for {evidence}."}, of=of
    )
    assert [(v.title, v.text) for v in checked.good] == [("", "Field Medic, in silver, for {evidence}.")]
    assert any("'Field Medic' 0 times" in fault for fault in checked.faults)


@pytest.mark.parametrize("content_type", content_type_names())
def test_the_schema_is_what_the_model_takes_and_nothing_else(content_type):
    schema = answer_schema(content_type)
    entry = {
        name: ["a."] if name == "steps" else "a" for name in schema["properties"]["variants"]["items"]["properties"]
    }
    jsonschema.validate({"variants": [entry]}, schema)
    answer_model(content_type).model_validate({"variants": [entry]})
    for wrong in ({}, entry | {"more": "x"}, dict.fromkeys(entry, 3)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"variants": [wrong]}, schema)
    assert "$ref" not in json.dumps(schema)
    assert "title" not in schema
    if type_of(content_type).form.title:
        assert entry["title"] == "a"


def test_a_schema_of_any_model_is_plain():
    schema = json_schema(answer_model("badge_citation"))
    assert schema["properties"]["variants"]["items"]["properties"] == {"citation": {"type": "string"}}


def test_a_draft_is_read_as_it_is_before_it_is_judged():
    drafts, faults = read_drafts(answer({"title": " A ", "description": " b "}), brief())
    assert (drafts, faults) == ([Draft("A", "b")], [])
    assert check(APP, brief(), drafts[0])


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@given(st.one_of(st.text(max_size=60), json_values.map(json.dumps), json_values.map(lambda one: answer(one, *GOOD))))
def test_any_text_for_an_answer_is_read_or_told_as_a_fault(text):
    checked = read_answer(APP, brief(), text)
    assert checked.good or checked.faults


@pytest.mark.parametrize("text", ["[" * 5000, '{"variants": ["\\ud800"]}', '{"variants": [{"title": "\\ud83d"}]}'])
def test_depth_without_end_and_half_characters_are_not_json(text):
    assert read_answer(APP, brief(), text).faults == ("the answer is not JSON",)
