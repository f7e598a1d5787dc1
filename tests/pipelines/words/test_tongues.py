"""Texts in German and Italian: whole, in their own words, in the voice's form of address; faults once read."""

import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from configs.app import App
from configs.loader import load_app
from configs.speaking import speaking, translation_problems, verb_asked, written_in
from configs.verbs import VERBS
from configs.voice import base_lexicon, locale_of, spoken_lexicon, voice_kinds
from pipelines.words.app_file import language_notes, voice_problems
from pipelines.words.briefs import Brief
from pipelines.words.checks.repeats import echoed_word
from pipelines.words.checks.safety import text_faults
from pipelines.words.render import amount_text, goal_text
from pipelines.words.samples import sample_sentences
from pipelines.words.writers.offline import write_variants
from tests.factories import make_app
from tests.foreign.texts import Text, texts_of
from tests.pipelines.words.tongues import GERMAN, library, said_in

ENGLISH = re.compile(r"\b(?:the|your|you|and|with|days?|pages?|reviews?|here|is|next|of|points?)\b", re.IGNORECASE)
FAMILIAR = {"de": r"\b(?:du|dich|dir|deine?[rmns]?)\b", "it": r"\b(?:tuo|tua|tue|tuoi|te|ti|vuoi|hai|fai)\b"}
POLITE = {"de": r"(?<=\w )(?:Sie|Ihnen|Ihre?[rmns]?)\b", "it": r"(?<=\w )(?:Lei|Suo|Sue|Le|La)\b"}
TITLES = re.compile(r"title|_line|_lead|_cover|metal_")
OF_A_KIND = {"tutorial_how", "why", "social_question"}  # of which the neutral voice says nothing


@pytest.fixture(scope="module", params=["de", "it"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def said(language: str) -> list[Text]:
    return said_in(language, variants=2, seed=4)


def test_everything_that_an_app_says_is_said_in_the_language(said: list[Text], language: str) -> None:
    assert len({text.content_type for text in said}) == 10
    for text in said:
        assert not ENGLISH.search(f"{text.title} {text.text}"), text
        assert re.search(r"[.!?]$", text.text), text
        assert all(s[:1].isupper() or s[:1].isdigit() for s in re.split(r"(?<=[.!?]) ", text.text)), text
        assert not re.search(r"[{}<>|#]|\bNone\b|  ", text.title + text.text), text


@pytest.fixture(scope="module")
def shipped() -> App:
    return load_app("open_play").app


def test_a_shipped_app_has_words_of_its_own_for_everything_in_german_and_italian(shipped: App, language: str) -> None:
    own = shipped.translations[language]
    assert shipped.voice.languages == ["en", "de", "it"]
    assert own.metrics.keys() == shipped.metrics.keys()
    assert own.badges.keys() == shipped.badges.keys()
    assert len(own.chapters) == len(shipped.voice.chapters)
    assert not {*own.badges.values()} & {badge.title for badge in shipped.badges.values()}
    phrases = [phrase for phrases in own.lexicon.values() for phrase in phrases]
    assert not [phrase for phrase in phrases if re.search(POLITE[language], phrase)]
    read = [*texts_of(shipped, variants=1, seed=3, language=language)]
    told = [f"{text.title} {text.text}" for text in read if text.content_type != "badge_citation"]
    assert [text for text in told if ENGLISH.search(text)] == []
    assert len(told) > 80


def test_check_shows_sentences_in_every_language_that_a_file_speaks(shipped: App, language: str) -> None:
    said = {(sample.of, sample.form): sample.text for sample in sample_sentences(shipped)}
    asked = {"de": "Spiel 13 Runden", "it": "Gioca 13 partite"}[language]
    assert said["metrics.rounds", "task"] == "Play 13 rounds"
    assert said[f"translations.{language}.metrics.rounds", "task"] == asked
    cited = said[f"translations.{language}.badges.season_ticket", "citation"]
    assert {"de": "Dauerkarte", "it": "Abbonamento"}[language] in cited
    assert not ENGLISH.search(cited)


def test_nobody_is_addressed_in_two_ways(language: str) -> None:
    everything = [
        (address, phrase)
        for address in ("informal", "formal")
        for kind in voice_kinds()
        for phrases in spoken_lexicon(language, address, kind).values()
        for phrase in phrases
    ]
    for address, phrase in everything:
        assert not re.search((POLITE if address == "informal" else FAMILIAR)[language], phrase), phrase
    assert any(re.search(FAMILIAR[language], phrase) for _, phrase in everything)


def test_every_phrase_is_whole(language: str) -> None:
    """A comma in a YAML list cuts a sentence in two."""
    said = [item for kind in voice_kinds() for item in spoken_lexicon(language, "informal", kind).items()]
    for name, phrases in said:
        for phrase in phrases:
            whole = TITLES.search(name) or "#" in phrase or phrase[-1] in ".!?"
            assert whole, f"{name}: {phrase}"
            assert phrase[0].isupper() or phrase[0] in "#{ÈÜÄÖ" or "metal_" in name, f"{name}: {phrase}"


def test_one_thing_is_said_of_one_and_a_case_is_that_of_the_task(said: list[Text], language: str) -> None:
    wrong = {
        "de": r"(?<![.,\d])\b1 (?:Seiten|Rezensionen|Punkte|Lesetage|Genres)\b|\ban (?:allen )?\d+ Tage\b",
        "it": r"(?<![.,\d])\b1 (?:pagine|recensioni|punti|giorni|generi)\b|\b[02-9]\d* (?:pagina|recensione|genere)\b",
    }
    for text in said:
        assert not re.search(wrong[language], text.text), text
        assert not re.search(r"(\d+) (?:Tagen|giorni)\b.* (?:nächsten|prossimi) \d+ (?:Tagen|giorni)\b", text.text) or (
            ":" in text.text or "," in text.text
        ), text


def test_no_word_comes_twice_in_a_card(said: list[Text], language: str) -> None:
    own = " ".join(str(part) for one in library(language).translations[language].metrics.values() for part in one)
    for text in said:
        if text.content_type != "badge_citation":
            again = echoed_word(text.title, re.sub(r"\d[\d.,]* \w+", "", text.text), own)
            assert again in {"", "giorni", "tagen", "nächsten", "prossimi"} or again in own.casefold(), (again, text)


def test_a_file_in_one_language_is_read_by_who_asks_for_another_in_the_one_that_there_is() -> None:
    brief = Brief("b", "daily_challenge", "", "pages", "", "it", "", 3)
    assert {found.language for found in write_variants(library("de"), brief, seed=1)} == {"de"}
    both = library("en", "de", "it")
    assert {found.language for found in write_variants(both, brief, seed=1)} == {"it"}
    assert written_in(library("en", "fr"), "fr") == "en"
    assert (
        "Lies"
        in write_variants(library("en", "de"), brief.__class__(**{**vars(brief), "language": "de-AT"}), seed=1)[0].text
    )


def test_a_language_without_catalogue_is_refused_and_one_without_phrases_told() -> None:
    told = voice_problems(make_app(voice={"theme": "x", "languages": ["en", "eo"]}))
    assert [
        problem for problem in told if "'eo' has no catalogue" in problem and "add configs/languages/eo.yaml" in problem
    ]
    assert language_notes(library("en", "de", "it")) == []
    [note] = language_notes(make_app(voice={"theme": "x", "languages": ["en", "fr"]}))
    assert "'fr'" in note
    assert "writes English" in note
    [untold] = language_notes(make_app(voice={"theme": "x", "languages": ["en", "de"]}))
    assert "add translations.de" in untold


def test_a_file_that_is_german_throughout_is_taken_with_the_words_of_its_own_language(tmp_path: Path) -> None:
    """'Lies an {goal}' puts no English article before a number."""
    data = library("de").model_dump(mode="json", exclude_defaults=True, exclude={"translations"})
    for name, said in GERMAN["metrics"].items():
        data["metrics"][name] |= said
    path = tmp_path / "library.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    app = load_app(path).app
    assert list(language_notes(app)) == []
    [found] = write_variants(app, Brief("b", "daily_challenge", "", "days", "", "de", "", 1), seed=1)
    assert "Lies an {goal_1}" in found.text


def test_words_of_a_language_that_leave_something_out_are_told_with_what_to_do() -> None:
    less = {"metrics": {k: v for k, v in GERMAN["metrics"].items() if k != "pages"} | {"odd": {"label": "x"}}}
    app = library("en", "de")
    broken = type(app).model_validate({**app.model_dump(), "translations": {"de": less, "it": {}}})
    told = list(translation_problems(broken))
    assert any("lacks pages" in problem for problem in told)
    assert any("translations.de.metrics.odd: there is no such metric" in problem for problem in told)
    assert any("'it' is not among voice.languages" in problem for problem in told)
    assert list(translation_problems(app)) == []


def test_every_catalogue_says_the_same_things() -> None:
    german, italian = locale_of("de").lexicon, locale_of("it").lexicon
    assert set(german) == set(italian)


@pytest.mark.parametrize("kind", voice_kinds()[1:])
def test_a_kind_of_app_says_the_same_things_in_each_language_and_nothing_that_is_never_used(kind: str) -> None:
    own = {tag: spoken_lexicon(tag, "informal", kind) for tag in ("de", "it")}
    assert set(own["de"]) == set(own["it"])
    assert own["de"] != spoken_lexicon("de", "informal")
    tags = re.compile(f"_(?:{'|'.join(('effort', 'rising', 'steady', *VERBS))})$")
    known = {name for lexicon in (locale_of("de").lexicon, base_lexicon()) for name in lexicon} | OF_A_KIND
    symbols = known | {tags.sub("", name) for name in known}
    assert [name for name in own["de"] if not {name, tags.sub("", name)} & symbols] == []
    of_a_kind = [{name for name in said if tags.sub("", name) in OF_A_KIND} for said in (base_lexicon(kind), own["de"])]
    assert of_a_kind[0] == of_a_kind[1]


def test_a_task_asks_the_same_in_whatever_language_and_nobody_is_wished_luck_with_a_purchase(language: str) -> None:
    tasks = {"de": "Kauf {goal}", "it": "Compra {goal}"}
    book = {"event": "solve", "label": "books", "unit": "book", "task": "Purchase {goal}"}
    said = {"label": "x", "unit": "y", "task": tasks[language]}
    voice = {"theme": "x", "kind": "shop"}
    metrics = {**make_app().model_dump()["metrics"], "book": book}
    more = {"metrics": dict.fromkeys(("solved", "points", "days", "topics", "book"), said)}
    app = make_app(metrics=metrics, voice=voice | {"languages": ["en", language]}, translations={language: more})
    native = make_app(metrics=metrics | {"book": book | said}, voice=voice | {"languages": [language]})
    for one in (speaking(app, language), native):
        assert one
        assert verb_asked(one, "book") == "buy"
        brief = Brief("b", "daily_challenge", "", "book", "hard", language, "", 20)
        texts = " ".join(found.text for found in write_variants(one, brief, seed=1))
        assert spoken_lexicon(language, "informal", "shop")["closing_buy"][0] in texts
        assert not any(phrase in texts for phrase in locale_of(language).lexicon["stretch_effort"])


def test_what_a_badge_is_for_stands_in_no_case_of_its_own(language: str) -> None:
    """'für längster Lauf (21 km)', 'per miglior quiz': a label is in the nominative and without an article."""
    given = locale_of(language).lexicon["citation_given_shown"]
    assert [phrase for phrase in given if not re.search(r"(?:^|: )\{evidence\}", phrase)] == []


def test_the_offline_writer_says_nothing_in_a_language_that_a_model_may_not_say(language: str) -> None:
    voice = make_app().voice
    said = {
        phrase
        for kind in voice_kinds()
        for address in ("informal", "formal")
        for phrases in spoken_lexicon(language, address, kind).values()
        for phrase in phrases
        if "#" not in phrase
    }
    faults = {phrase: text_faults(phrase, language, voice) for phrase in said}
    claims = {phrase: found for phrase, found in faults.items() if any("number" not in one for one in found)}
    assert claims == {}


@pytest.mark.parametrize(
    ("language", "words", "more", "value", "text"),
    [
        ("de", {"label": "Trainingsminuten", "unit": "Minute", "plural": "Minuten"}, {}, 13, "13 Trainingsminuten"),
        ("de", {"label": "Trainingsminuten", "unit": "Minute", "plural": "Minuten"}, {}, 1, "1 Trainingsminute"),
        ("de", {"label": "Lerntage in Folge", "unit": "Tag", "plural": "Tage"}, {}, 6, "6 Lerntage in Folge"),
        ("de", {"label": "bestes Können"}, {"agg": "max"}, 0.9, "bestes Können (0,9)"),
        ("de", {"label": "Tempo zu Beginn"}, {"agg": "mean"}, 13, "Tempo zu Beginn (im Schnitt 13)"),
        ("de", {"label": "gelöste Rätsel"}, {}, 13, "13 gelöste Rätsel"),
        ("it", {"label": "miglior livello"}, {"agg": "max"}, 0.9, "miglior livello di 0,9"),
        ("it", {"label": "velocità iniziale"}, {"agg": "mean"}, 13, "velocità iniziale di 13 in media"),
        ("it", {"label": "esercizi superati"}, {"agg": "mean", "of": "right"}, 0.8, "esercizi superati (80%)"),
    ],
)
def test_an_amount_has_neither_its_label_twice_nor_a_preposition_that_goes_by_the_number(
    language: str, words: dict[str, str], more: dict[str, str], value: float, text: str
) -> None:
    """'0,9 bestes Können', 'di 80%': no unit is no second label, a compound is its unit, and it is dell'80%."""
    events = {"solve": {"properties": {"points": {"type": "number"}, "right": "boolean"}}}
    of = {"of": "points"} if more and "of" not in more else {}
    metrics = {**make_app().model_dump()["metrics"], "m": {"event": "solve", **words, **of, **more}}
    events["solve"]["properties"] |= make_app().model_dump()["events"]["solve"]["properties"]
    app = make_app(
        events={**make_app().model_dump()["events"], **events},
        metrics=metrics,
        voice={"theme": "x", "languages": [language]},
    )
    said = amount_text(app, pl.lit("m"), pl.lit(float(value)), locale_of(language))
    assert pl.select(said).item() == text


def test_all_days_of_a_window_are_said_so_by_the_word_of_the_task() -> None:
    said = {"label": "giorni di studio", "unit": "giorno di studio", "plural": "giorni di studio"}
    task = {"task": "Studia per {goal}", "in_task": ["giorno", "giorni"]}
    days = {**make_app().model_dump()["metrics"]["days"], **said, **task}
    app = make_app(
        metrics={**make_app().model_dump()["metrics"], "days": days}, voice={"theme": "x", "languages": ["it"]}
    )
    goal = goal_text(app, pl.lit("days"), pl.lit(3.0), pl.lit(3), locale_of("it"))
    assert pl.select(goal).item() == "tutti i 3 giorni"


@pytest.mark.parametrize(("tag", "marks"), [("de", "„“"), ("it", "«»"), ("es", "«»"), ("fr", "«»"), ("en", "“”")])
def test_a_name_within_a_sentence_stands_in_the_marks_of_its_language(tag: str, marks: str) -> None:
    """An unlock, too, whose name would want a case or an article: 'Zugang zu die Truhe', 'acceso a el ático'."""
    locale = locale_of(tag)
    assert [locale.quoted[0], locale.quoted[-1]] == list(marks)
    assert tag == "en" or locale.quoted in locale.unlock


def test_a_story_that_is_told_in_one_language_alone_is_told_by_check(shipped: App) -> None:
    untold = {tag: said.model_copy(update={"chapters": []}) for tag, said in shipped.translations.items()}
    notes = language_notes(shipped.model_copy(update={"translations": untold}))
    assert [note for note in notes if note.startswith("translations.de.chapters: none")]
    assert language_notes(shipped) == []
