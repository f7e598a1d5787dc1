"""Whatever an app file's words are, a text that goes out is fit, or the file is told."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import AppFileError
from configs.wording import plain
from pipelines.words.content_type import TEXT_LENGTH
from tests.factories import APP, make_app
from tests.pipelines.words.plans import NIGHT, make_asks, make_plan, write_words

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
NASTY = st.one_of(
    st.text(max_size=40),
    st.text(max_size=400),
    st.sampled_from(
        [
            "{window}",
            "#opening#",
            "{goal}{goal}",
            "<script>alert(1)</script>",
            "'; DROP TABLE players; --",
            "=HYPERLINK(1)",
            "\u202eevil",
            "a\u0000b",
            "seventy sevens",
            "www.prizes.com",
            "\N{PILE OF POO}",
            "\\1 \\g<0>",
            "$1 %s {0}",
            "a",
        ]
    ),
)


def fit(text):
    return 0 < len(text) <= TEXT_LENGTH and not re.search(r"[{}<>`\x00-\x1f\u202a-\u202e]", text)


@SLOW
@given(label=NASTY, unit=NASTY, plural=NASTY, before=NASTY, after=NASTY, player=NASTY)
def test_hostile_words_of_an_app_never_leave_an_unfit_text(label, unit, plural, before, after, player):
    metric = {"event": "solve", "label": label, "unit": unit, "plural": plural, "task": f"{before}{{goal}}{after}"}
    app = make_app(
        metrics=APP["metrics"] | {"solved": metric},
        challenges={"metrics": ["solved", "days"]},
        voice={"theme": "x", "player": player},
    )
    try:
        texts, letters = write_words(app, make_plan(app, 2), make_asks(app, 3), seed=1, as_of=NIGHT)
    except AppFileError as error:
        told = error.message, error.remedy
        assert ("solved" in told[0] or "voice" in told[0]) and told[1]  # noqa: PT018 (both ways are right)
    else:
        assert all(fit(text) for text in [*texts["description"], *letters["body"], *texts["title"], *letters["title"]])


@SLOW
@given(st.dictionaries(st.sampled_from(["title", "opening", "challenge", "why", "aim"]), st.lists(NASTY, max_size=4)))
def test_a_hostile_lexicon_never_leaves_an_unfit_text(lexicon):
    app = make_app(voice={"theme": "x", "lexicon": lexicon})
    texts, _ = write_words(app, make_plan(app, 2), make_asks(app, 1), seed=1, as_of=NIGHT)
    assert all(fit(text) for text in [*texts["description"], *texts["title"]])
    assert not any(re.search(r"www|script|DROP|\{", text) and "<" in text for text in texts["description"])


@given(st.text())
def test_plain_text_is_one_line_without_what_renderers_might_read(text):
    assert not re.search(r"[{}<>`\n\r\t\x00-\x1f]", plain(text))
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize("forbidden", ["(", ".*", "[a", "\\"])
def test_a_forbidden_phrase_is_text_and_no_pattern(forbidden):
    app = make_app(voice={"theme": "x", "forbidden": [forbidden]})
    texts, _ = write_words(app, make_plan(app, 2), make_asks(app, 2), seed=1, as_of=NIGHT)
    assert texts.height == 6
