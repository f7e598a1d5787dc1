import pytest

from configs.content import Voice
from pipelines.words.briefs import Brief
from pipelines.words.checks.validate import TITLE_LENGTH, check_texts
from pipelines.words.content_type import TEXT_LENGTH

VOICE = Voice(theme="puzzles", forbidden=["easy money", "can't lose"])
GOOD = {"title": "A Calm Start", "description": "Sit down. Solve {goal_1} {window}. Then rest."}


def brief(content_type="daily_challenge", occasion="", language="en"):
    return Brief("b", content_type, "", "solved", "fair", language, occasion, 64)


def faults(texts=GOOD, of=None, **options):
    return check_texts(texts, of or brief(), VOICE, **options)


def test_a_good_text_has_no_fault():
    assert faults() == []


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("", "is empty"),
        ("Solve it {window}.", "{goal_1} 0 times"),
        ("Solve {goal_1} {window}. Then {goal_1}.", "{goal_1} 2 times"),
        ("Solve {goal_1}.", "{window} or {period} or {until} 0 times"),
        ("Solve {goal_1} {window}, for {period}.", "{window} or {period} or {until} 2 times"),
        ("Solve {goal_1} {window} at {place}.", "{place}, which nothing fills"),
        ("Solve {goal_1} {window} {.", "not clean"),
        ("Solve {goal_1} {window} and win 500 coins.", "number of its own: '5"),
        ("Solve {goal_1} {window} and win twenty coins.", "number of its own: 'twenty'"),
        ("Solve {goal_1} {window}, twice.", "number of its own: 'twice'"),
        ("Solve {goal_1} {window}. Start today.", "time of its own: 'today'"),
        ("Solve {goal_1} {window}. It ends this week.", "time of its own: 'this week'"),
        ("Solve {goal_1} {window}. Easy  Money!", "not clean"),
        ("Solve {goal_1} {window}. Easy Money!", "voice forbids"),
        ("Solve {goal_1} {window}. You can’t lose.", "voice forbids"),  # noqa: RUF001 (a typographic apostrophe)
        ("Solve {goal_1} {window}. ＥＡＳＹ money.", "voice forbids"),  # noqa: RUF001 (wide letters)
        ("Solve {goal_1} {window}. See www.prizes.example.", "markup or a link"),
        ("Solve {goal_1} {window}. **Go**.", "markup or a link"),
        ("Solve {goal_1} {window} <b>now</b>.", "markup or a link"),
        ("Solve {goal_1} {window}. The the end.", "not clean"),
        ("Solve {goal_1} {window}.\nRest.", "carries"),
        ("Solve {goal_1} {window}. Go \U0001f3af", "DIRECT HIT"),
        ("Solve {goal_1} {window}. \u202eRest.", "RIGHT-TO-LEFT"),
        ("Solve {goal_1} {window}. " + "Rest well. " * 30, f"at most {TEXT_LENGTH}"),
    ],
)
def test_a_text_with_a_fault_is_refused_for_it(description, says):
    assert any(says in fault for fault in faults(GOOD | {"description": description}))


def test_a_space_before_a_colon_is_well_written_in_french_only():
    french = GOOD | {"description": "Vous vous entraînez : résolvez {goal_1} {window} ! Bravo."}
    assert any("not clean" in fault for fault in faults(french))
    assert check_texts(french, brief(language="fr"), VOICE) == []


def test_a_title_is_short_and_has_no_slot():
    assert any(str(TITLE_LENGTH) in fault for fault in faults(GOOD | {"title": "Long " * 13}))
    assert any("title has the slot" in fault for fault in faults(GOOD | {"title": "Solve {goal_1}"}))


def test_both_texts_and_nothing_else_are_wanted():
    assert faults({"title": "A Start"}) == ["has title instead of description, title"]
    assert faults(GOOD | {"footer": "x"})


def test_the_length_counts_what_slots_become():
    text = "Solve {goal_1} {window}. " + "Rest. " * 33 + "Go."
    assert faults(GOOD | {"description": text}, words_length=0) == []
    assert any("characters long" in fault for fault in faults(GOOD | {"description": text}, words_length=60))


def test_numbers_in_the_apps_own_words_are_allowed_and_only_there():
    text = "Pass {goal_1} with 80 points or more {window}."
    assert faults(GOOD | {"description": text}, own=["with 80 points or more"]) == []
    assert faults(GOOD | {"description": text + " Then 80 more."}, own=["with 80 points or more"])


def test_short_own_words_do_not_hide_numbers_inside_other_words():
    assert faults(GOOD | {"description": "Solve {goal_1} {window}, sixty of them."}, own=["six", "ty"])


def test_an_own_word_that_the_voice_forbids_is_refused():
    text = "Solve {goal_1} for easy money {window}."
    assert any("forbids" in fault for fault in faults(GOOD | {"description": text}, own=["for easy money"]))


def test_a_message_without_a_target_has_no_slot():
    texts = {"title": "A Note", "body": "You would be ahead of {percentile}."}
    assert faults(texts, brief("motivational_message", "none"))
    assert faults({"title": "A Note", "body": "Carry on."}, brief("motivational_message", "none")) == []
    assert faults({"title": "A Note", "body": "Carry on."}, brief("motivational_message", "target"))
