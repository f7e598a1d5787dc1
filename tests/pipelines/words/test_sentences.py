"""The offline writer's sentences, as an editor reads them: for apps that ship, and for apps that it has never seen."""

import json
import re

import pytest

from configs.app import App
from configs.kinds import content_type_names
from configs.loader import load_app
from configs.shipped import shipped_apps
from configs.verbs import WITHOUT_EFFORT, verb_of
from configs.voice import base_lexicon, spoken_lexicon, voice_kinds
from configs.wording import metric_words
from pipelines.words.app_file import language_notes
from pipelines.words.briefs import Brief
from pipelines.words.checks.repeats import repeated_word
from pipelines.words.checks.safety import text_faults
from pipelines.words.samples import sample_sentences
from pipelines.words.writers.lexicon import title_case
from pipelines.words.writers.offline import write_variants
from tests.factories import make_app
from tests.foreign.apps import APPS, write_app
from tests.foreign.linter import faults, strange_words
from tests.foreign.odd import ODD
from tests.foreign.texts import Text, texts_of

SHIPPED = tuple(shipped_apps())
VOICES = [*((name, "") for name in SHIPPED), *(("", kind) for kind in voice_kinds())]
# What only somebody who is told of a target can be promised.
PROMISE = re.compile(
    r"\b(?:goals?|targets?|mark(?:er)?|aim|within reach|your next step|comes next|where you (?:could )?stand)\b",
    re.IGNORECASE,
)

# How much an ask is: only a plan knows, and `easy`, `hard`, `rising` and `easing` say it.
SIZE = re.compile(
    r"\b(?:small (?:thing|step|experiment|order)|something (?:small|bigger)|modest|larger|a little more|fits on"
    r"|a bit of weight|hard nut)\b",
    re.IGNORECASE,
)
# Absurd of a purchase, a page, a word to somebody.
EFFORT = re.compile(
    r"\b(?:good luck|have fun with it|a (?:bit of a )?stretch|comes? easily|some doing|you can get there"
    r"|(?:good|next) move|(?<!by )step up|enjoy the way|practice makes|well played|warm up first|good form)\b",
    re.IGNORECASE,
)
OF_ANY_ASK = ("opening", "mission_first", "mission_line", "mission_opening", "briefing_scene")


@pytest.fixture(name="read", scope="module", params=[*SHIPPED, *APPS, *ODD])
def _read(request, tmp_path_factory) -> tuple[App, list[Text]]:
    """An app and texts of every kind, as its players read them."""
    name, folder = request.param, tmp_path_factory.mktemp("app")
    path = name
    if name in APPS:
        path = write_app(folder, name)
    elif name in ODD:
        path = folder / f"{name}.yaml"
        path.write_text(ODD[name], encoding="utf-8")
    app = load_app(path).app
    return app, [text for seed in (0, 1) for text in texts_of(app, variants=2, seed=seed)]


def test_no_text_of_any_type_has_a_fault_that_an_editor_would_strike_out(read):
    app, texts = read
    assert {t.content_type for t in texts} >= set(app.content.types)
    assert [f for t in texts for f in (*faults(t.text), *faults(t.title, sentence=False)) if t.title or f] == []


def test_the_offline_writer_says_nothing_that_a_model_may_not_say(read):
    app, texts = read
    words = [found for name in app.metrics if (found := metric_words(app, name))]
    own = [said for w in words for said in (w.label, title_case(w.label), w.before)]
    own += [badge.title for badge in app.badges.values()]
    told = [re.sub(r"[$£](?=\d)", "", f"{t.title}. {t.text}") for t in texts]
    assert [fault for text in told for fault in text_faults(text, "en", app.voice, own=own)] == []


def lexicons(name: str, kind: str) -> list[dict[str, list[str]]]:
    """All that an app or a kind's voice says, in every language."""
    if kind:
        return [dict(base_lexicon(kind)), *(dict(spoken_lexicon(tag, "informal", kind)) for tag in ("de", "it"))]
    app = load_app(name).app
    return [app.voice.lexicon, *(said.lexicon for said in app.translations.values())]


@pytest.mark.parametrize(("name", "kind"), VOICES)
def test_no_sentence_is_cut_at_its_comma(name, kind):
    cut = []
    for symbols in lexicons(name, kind):
        for phrases in symbols.values():
            if any(phrase.endswith((".", "!", "?")) for phrase in phrases):
                cut += [p for p in phrases if not p.endswith((".", "!", "?", "#")) or p[:1].islower()]
    assert cut == []


@pytest.mark.parametrize(("name", "kind"), VOICES)
def test_what_is_said_of_any_ask_says_nothing_of_its_size(name, kind):
    app = load_app(name or "stackexchange").app
    lexicon = base_lexicon(kind) if kind else app.voice.lexicon
    tags = ("", *(f"_{persona}" for persona in app.personas))
    said_of_any = [f"{symbol}{tag}" for symbol in OF_ANY_ASK for tag in tags]
    phrases = [phrase for symbol in said_of_any for phrase in lexicon.get(symbol, [])]
    assert [phrase for phrase in phrases if SIZE.search(phrase)] == []


def test_nothing_that_takes_effort_is_said_of_what_one_just_does(read):
    app, texts = read
    idle = {name for name, one in app.metrics.items() if verb_of(one.task, one.unit, one.verb) in WITHOUT_EFFORT}
    ends = [words.after for name in app.metrics if (words := metric_words(app, name)) and words.after]
    own = re.compile("|".join(map(re.escape, ends)) or "$^")  # of what a mission asks beside it
    assert [t for t in texts if t.metric in idle and EFFORT.search(own.sub("", f"{t.title}. {t.text}"))] == []


def test_what_is_good_of_a_missions_first_task_stands_before_what_else_it_asks_for(read):
    app, texts = read
    said = {**base_lexicon(app.voice.kind), **app.voice.lexicon}
    joints = [phrase.partition("{")[0] for phrase in said["beside"]]
    missions = [t for t in texts if t.content_type == "adaptive_mission"]
    good = [(t, why) for t in missions for why in [*said.get("why", []), *said.get(f"why_{t.metric}", [])]]
    assert [t for t, why in good if any(joint in t.text.partition(why)[0] and why in t.text for joint in joints)] == []


def test_a_title_says_no_word_before_and_after_its_colon(read):
    parts = [(t.title, [set(re.findall(r"[a-z]{4,}", part.lower())) for part in t.title.split(": ")]) for t in read[1]]
    assert [title for title, found in parts if len(found) > 1 and found[0] & found[1]] == []


@pytest.mark.parametrize(
    ("title", "again"),
    [
        ("A Thoughtful Thought on Paper", "thoug"),
        ("Light After Light", ""),
        ("Days of Training: Trained Well", "train"),
    ],
)
def test_no_word_of_a_title_is_made_of_another(title, again):
    assert repeated_word(title, "Solve {goal_1}.") == again


def test_who_did_it_before_is_told_of_no_first_try(read):
    taught = [t for t in read[1] if (t.content_type, t.occasion) == ("tutorial", "seldom")]
    assert [
        t
        for t in taught
        if re.search(
            r"(?i)\bfirst (?:try|go|steps?)\b|\bmay be new\b|\bopening move\b|\bto begin with\b|\bwill feel odd\b",
            f"{t.title}. {t.text}",
        )
    ] == []


def test_an_app_that_knows_how_a_thing_is_done_says_so_in_every_tutorial(read):
    app, texts = read
    taught = [t for t in texts if t.content_type == "tutorial" and f"tutorial_how_{t.metric}" in app.voice.lexicon]
    ways = {t.metric: app.voice.lexicon[f"tutorial_how_{t.metric}"] for t in taught}
    assert [t for t in taught if not any(way in t.text for way in ways[t.metric])] == []


def test_a_message_without_a_target_promises_none(read):
    told = [t for t in read[1] if (t.content_type, t.occasion) == ("motivational_message", "none")]
    assert told
    assert [found[0] for t in told if (found := PROMISE.search(f"{t.title}. {t.text}"))] == []


def test_what_somebody_reached_is_told_as_it_is_and_not_as_a_bound(read):
    cited = [t.text for t in read[1] if t.content_type == "badge_citation"]
    assert [text for text in cited if "no more than" in text] == []


def test_a_best_is_reached_within_days_and_not_over_them(read):
    app, texts = read
    bests = [t.text for t in texts if t.metric in app.metrics and app.metrics[t.metric].agg in {"max", "min"}]
    assert [text for text in bests if re.search(r"\bover \d+ days", text)] == []


TASKS = {
    "buy": ("Buy {goal}", "book", "books bought"),
    "read": ("Read {goal}", "page", "pages read"),
    "make": ("Write {goal}", "review", "reviews written"),
    "talk": ("Send {goal}", "greeting", "greetings sent"),
    "do": ("Close {goal}", "ticket", "tickets closed"),
}


@pytest.mark.parametrize("kind", voice_kinds())
def test_a_kinds_voice_says_nothing_wrong_or_absurd_of_whatever_is_done(kind):
    done = {
        verb: {"event": "solve", "task": task, "unit": unit, "label": label, "verb": verb}
        for verb, (task, unit, label) in TASKS.items()
    }
    app = make_app(
        metrics={**make_app().model_dump()["metrics"], **done},
        challenges={"metrics": list(done)},
        voice={"theme": "x", "kind": kind},
        content={"types": content_type_names(), "social_metrics": ["talk"]},
    )
    texts = [text for seed in (0, 1) for text in texts_of(app, variants=4, seed=seed)]
    own = base_lexicon(kind)["opening"]
    assert any(line in t.text for line in own for t in texts)
    assert [f for t in texts for f in (*faults(t.text), *faults(t.title, sentence=False)) if t.title or f] == []
    assert [t for t in texts if t.metric in WITHOUT_EFFORT and EFFORT.search(f"{t.title}. {t.text}")] == []
    assert [t for t in texts if f"{t.title} {t.text}" and text_faults(t.text, "en", app.voice)] == []


@pytest.mark.parametrize(
    ("task", "unit", "given", "verb"),
    [
        ("Buy {goal}", "book", None, "buy"),
        ("Complete {goal}", "purchase", None, "buy"),
        ("Make {goal}", "page visit", None, "visit"),
        ("Spend {goal} in lessons", "minute", None, ""),
        ("Spend {goal}", "$", None, "buy"),
        ("Complete {goal}", "workout", None, "train"),
        ("Place {goal}", "bid", "buy", "buy"),
        ("Be active on {goal}", "day", None, ""),
        ("Close {goal}", "ticket", None, ""),
        ("Donate {goal}", "book", None, "give"),
        ("Make {goal}", "donation", None, "give"),
        ("Bring back {goal}", "book", None, "give"),
        ("Return on {goal}", "day", None, ""),
        ("Attend {goal}", "reading hour", None, "visit"),
    ],
)
def test_what_a_task_asks_is_told_by_its_words_unless_the_file_says(task, unit, given, verb):
    assert verb_of(task, unit, given) == verb


def test_what_is_done_once_is_cited_and_never_asked_for():
    profile = {
        "event": "solve",
        "label": "profiles filled in",
        "unit": "profile",
        "task": "Fill in {goal}",
        "once": True,
    }
    badge = {"title": "Known Here", "tier": "bronze", "category": "start", "when": "profile >= 1"}
    metrics = {**make_app().model_dump()["metrics"], "profile": profile}
    app = make_app(metrics=metrics, badges={"known": badge})
    said = {(sample.of, sample.form): sample.text for sample in sample_sentences(app)}
    assert said["metrics.profile", "one"] == "one profile filled in"
    assert ("metrics.profile", "many") not in said
    assert "one profile filled in" in said["badges.known", "citation"]
    with pytest.raises(ValueError, match=r"challenges\.metrics: 'profile' is done once and never again"):
        make_app(metrics=metrics, challenges={"metrics": ["profile"]})


def test_a_language_that_the_offline_writer_has_no_words_of_the_app_in_is_told():
    told = language_notes(make_app(voice={"theme": "x", "languages": ["en", "de-AT"]}))
    assert "texts in 'de-AT' come from language models" in told[0]
    assert language_notes(make_app()) == []


@pytest.mark.parametrize("name", [*APPS, *ODD])
def test_an_app_without_a_voice_hears_nothing_of_another_apps_world(tmp_path, name):
    path = tmp_path / f"{name}.yaml"
    path.write_text({**APPS, **ODD}[name], encoding="utf-8")
    texts = texts_of(load_app(path).app, variants=2, seed=7)
    assert [word for t in texts for word in strange_words(f"{t.title} {t.text}")] == []


def test_a_title_and_what_leads_up_to_the_task_say_no_word_twice():
    assert repeated_word("First Steps in Your Own Time", "As a first step: solve {goal_1}.") == "first"
    assert repeated_word("A Simple Challenge", "Your challenge for {period}: solve {goal_1}.") == "challenge"
    assert repeated_word("Where You Stand: Puzzles", "Here is where you stand: {done} {span}.") == "where you stand"
    assert repeated_word("Next Up: Puzzles Solved", "Your aim for {period}: solve {goal_1}.", "puzzles") == ""


@pytest.mark.parametrize(("name", "kind"), VOICES)
def test_no_closing_goes_on_from_a_task_that_may_stand_further_up(name, kind):
    lexicon = base_lexicon(kind) if kind else load_app(name).app.voice.lexicon
    closings = [phrase for symbol, said in lexicon.items() if symbol.startswith("closing") for phrase in said]
    assert [phrase for phrase in closings if phrase.startswith("Then ")] == []


def test_a_message_about_nothing_in_particular_speaks_of_no_it(read):
    idle = [t.text for t in read[1] if (t.content_type, t.occasion) == ("motivational_message", "none")]
    assert [text for text in idle if re.search(r"\b(?:about|do|try) it\b", text, re.IGNORECASE)] == []


def test_what_one_begins_with_is_no_best(tmp_path):
    app = load_app(write_app(tmp_path, "gym")).app
    titles = {t.title for seed in range(3) for t in texts_of(app, seed=seed) if t.content_type == "tutorial"}
    assert [title for title in titles if re.search(r"Best|Lowest|Heart Rate", title)] == []


def test_one_wanted_text_is_no_plain_one_because_its_first_drafts_were_refused():
    app = make_app()
    briefs = [Brief(f"b{i}", "motivational_message", "", "solved", "", "en", "target", 1) for i in range(40)]
    assert {json.loads(found.metadata)["written"] for b in briefs for found in write_variants(app, b, seed=0)} == {
        "grammar"
    }


def test_check_shows_numbers_that_a_metric_can_come_to_and_citations_that_a_badge_asks_for():
    rated = {"event": "solve", "agg": "mean", "of": "points", "label": "average rating", "unit": "star"}
    badge = {"title": "Sharp Eye", "tier": "gold", "category": "skill", "when": "m >= 4 and last(solved, 7) >= 6"}
    events = {
        **make_app().model_dump()["events"],
        "solve": {"properties": {"points": {"type": "number", "min": 0, "max": 5}}},
    }
    metrics = {name: one for name, one in make_app().model_dump()["metrics"].items() if name != "topics"}
    asked = {"metrics": ["solved", "points", "days"]}
    app = make_app(events=events, metrics={**metrics, "m": rated}, challenges=asked, badges={"b": badge})
    shown = {(sample.of, sample.form): sample.text for sample in sample_sentences(app)}
    assert shown["metrics.m", "many"] == "an average rating of 3.1 stars"
    assert "an average rating of 4 stars and 6 puzzles solved within 7 days" in shown["badges.b", "citation"]


def test_a_badge_whose_title_ends_a_sentence_stands_in_quotes():
    badge = {"title": "The First Crate!", "tier": "bronze", "category": "start", "when": "solved >= 1"}
    cited = [t.text for t in texts_of(make_app(badges={"crate": badge})) if t.content_type == "badge_citation"]
    assert cited
    assert all("\u201cThe First Crate!\u201d" in text for text in cited)
