"""The voices that ship: nothing in them is wasted, and there is enough of it."""

import re
from collections import Counter
from itertools import product

import pytest

from configs.app import App
from configs.loader import load_app
from configs.shipped import shipped_apps
from configs.voice import base_lexicon, voice_kinds
from pipelines.words.app_file import voice_problems, wording_problems
from pipelines.words.briefs import TEXTS, Brief
from pipelines.words.checks.validate import SLOT, _counted, _said
from pipelines.words.writers.grammar import references
from pipelines.words.writers.lexicon import lexicon_problems
from pipelines.words.writers.offline import write_variants
from tests.factories import APP, make_app

# Symbols whose phrases are parts of sentences or of titles.
PARTS = re.compile(
    r"title|^aim$|^peers$|_noun(_|$)|_where$|_what$|_greeting$|_place$|_state$|_rank(_|$)|_post_|_first$|_second(_|$)"
    r"|_cover$|_lead(_|$)|_kind(_|$)|_pace$|_line(_|$)|_page(_|$)|^with_"
)
TIMED = re.compile(r"^(title|opening|closing|why|ask|aim|challenge|achievement|mission|briefing)")


@pytest.fixture(scope="module", params=shipped_apps())
def app(request) -> App:
    return load_app(request.param).app


def phrases(lexicon):
    return [(symbol, phrase) for symbol, options in lexicon.items() for phrase in options]


def wrong(lexicon, forbidden=()):
    faults = []
    for symbol, phrase in phrases(lexicon):
        text = SLOT.sub(lambda found: found[1][:1].upper(), re.sub(r"#\w+#", "X", phrase))
        faults += [(symbol, f) for f in _said(text, tuple(forbidden)) if "not clean" not in f or "#" not in phrase]
        faults += [(symbol, f) for f in _counted(text, timed=bool(TIMED.match(symbol)))]
        if not PARTS.search(symbol) and not references(phrase) and not SLOT.search(phrase):
            faults += [] if re.fullmatch(r"[A-Z'].*[.?]", phrase) else [(symbol, f"no sentence: {phrase}")]
    return faults


def test_no_phrase_of_a_shipped_voice_would_be_refused(app):
    assert wrong(app.voice.lexicon, app.voice.forbidden) == []


@pytest.mark.parametrize("kind", voice_kinds())
def test_no_phrase_of_a_kinds_voice_would_be_refused_or_stands_twice(kind):
    assert wrong(base_lexicon(kind)) == []
    twice = {name: said for name, said in base_lexicon(kind).items() if len(set(map(str.casefold, said))) < len(said)}
    assert twice == {}


def test_a_shipped_voice_says_nothing_in_duplicate(app):
    for symbol, options in app.voice.lexicon.items():
        assert len({text.casefold() for text in options}) == len(options), symbol


def test_a_shipped_voice_can_say_everything_and_wastes_nothing(app):
    assert [*voice_problems(app), *wording_problems(app)] == []


def test_every_challenge_has_a_month_of_texts_with_titles_hardly_worn(app):
    for persona, metric in product(app.personas, app.challenges.metrics):
        found = write_variants(app, Brief("b", "daily_challenge", persona, metric, "fair", "en", "", TEXTS), seed=1)
        assert len({v.text for v in found}) == TEXTS
        assert max(Counter(v.title for v in found).values()) <= 2


def test_a_community_speaks_of_the_others_only_where_a_task_is_for_them():
    voice = {"theme": "a library", "kind": "community"}
    for verb, for_others in {"make": True, "visit": False}.items():
        solved = APP["metrics"]["solved"] | {"verb": verb}
        app = make_app(voice=voice, metrics=APP["metrics"] | {"solved": solved})
        told = [
            text
            for content_type in ("daily_challenge", "adaptive_mission")
            for one in write_variants(app, Brief("b", content_type, "", "solved", "fair", "en", "", TEXTS), seed=1)
            for text in (one.title, one.text)
        ]
        found = [text for text in told if re.search(r"hear from you|[Tt]he [Oo]thers|Speak|glad of it|of all", text)]
        assert bool(found) is for_others, (verb, found[:3])
        assert len(set(told)) > TEXTS


def test_a_fitness_voice_speaks_of_warming_up_where_the_task_is_to_train_and_not_of_a_report():
    voice = {"theme": "a running club", "kind": "fitness"}
    for verb, trains in {"train": True, "make": False, "buy": False}.items():
        app = make_app(voice=voice, metrics=APP["metrics"] | {"solved": APP["metrics"]["solved"] | {"verb": verb}})
        told = [
            f"{one.title} {one.text}"
            for content_type in ("daily_challenge", "adaptive_mission", "mission_brief")
            for one in write_variants(app, Brief("b", content_type, "", "solved", "", "en", "", 40), seed=1)
        ]
        found = [text for text in told if re.search(r"(?i)warm up|shoes|good form|block of training|how hard", text)]
        assert bool(found) is trains, (verb, found[:3])


def test_every_message_has_a_month_of_texts(app):
    kinds = [("come_back_message", away) for away in ("days", "weeks", "long")]
    kinds += [("motivational_message", "target"), ("motivational_message", "none")]
    for content_type, occasion in kinds:
        metric = app.challenges.metrics[0] if occasion == "target" else ""
        found = write_variants(app, Brief("b", content_type, "BRUTE", metric, "", "en", occasion, TEXTS), seed=1)
        assert len(found) == TEXTS


def test_an_app_without_a_lexicon_still_has_a_month_of_texts():
    brief = Brief("b", "daily_challenge", "", "solved", "fair", "en", "", TEXTS)
    assert len(write_variants(make_app(), brief, seed=1)) == TEXTS


def test_a_persona_and_a_metric_are_heard_in_their_texts():
    app = load_app("trading").app
    brief = Brief("b", "daily_challenge", "FERAL", "lessons", "fair", "en", "", TEXTS)
    said = " ".join(v.text for v in write_variants(app, brief, seed=1))
    lexicon = app.voice.lexicon
    assert any(text in said for text in lexicon["opening_FERAL"])
    assert any(text in said for text in lexicon["why_lessons"])
    assert not any(text in said for text in lexicon["opening_WARDEN"] + lexicon["why_drills"])


@pytest.mark.parametrize(
    ("lexicon", "says"),
    [
        ({"opennig": ["Go."]}, "nothing uses it; did you mean 'opening'?"),
        ({"opening": ["#gone# now."]}, "refers to #gone#, which is no symbol"),
        ({"ask": ["#task# {soon}."]}, "slot {soon}; use one of"),
    ],
)
def test_what_a_lexicon_cannot_mean_is_told(lexicon, says):
    app = make_app(voice={"theme": "x", "lexicon": lexicon})
    assert says in lexicon_problems(app)[0]
    assert "voice.lexicon" in voice_problems(app)[0]


def test_an_apps_own_symbols_and_tags_are_no_problem():
    lexicon = {"opening_solved": ["#hello# there."], "hello": ["Good day"], "title_second_solved": ["Puzzle"]}
    assert lexicon_problems(make_app(voice={"theme": "x", "lexicon": lexicon})) == []
