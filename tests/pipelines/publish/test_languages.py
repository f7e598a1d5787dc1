"""What German and Italian players of an app whose file is English read of its nights: every word in their language."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from configs.loader import load_app
from configs.settings import Settings
from configs.voice import base_lexicon, locale_of, spoken_lexicon
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from pipelines.publish.bundles import every_bundle
from pipelines.publish.published import read_latest
from tests.flows.world import LAST_NIGHT, write_app, write_events
from tests.pipelines.nights import now, serve_night
from tests.pipelines.words.tongues import TYPES

READ = frozenset({"title", "description", "body", "citation", "words", "reward_words", "remaining"})
PLAYERS = {f"player-{n}": ("en", "de", "it")[n % 3] for n in range(9)}
SAID: dict[str, dict[str, Any]] = {
    "de": {
        "metrics": {
            "solved": {"label": "gelöste Rätsel", "unit": "Rätsel", "plural": "Rätsel", "task": "Löse {goal}"},
            "points": {"label": "Punkte", "unit": "Punkt", "plural": "Punkte", "task": "Sammle {goal}"},
            "topics": {"label": "Themen", "unit": "Thema", "plural": "Themen", "task": "Besuch {goal}"},
        },
        "badges": {"regular": "Stammgast", "thousand": "Tausend", "wide": "Weiter Blick"},
        "points": {"spark": {"unit": "Funke", "plural": "Funken"}},
        "given": {"sage": "Weise"},
    },
    "it": {
        "metrics": {
            "solved": {"label": "enigmi risolti", "unit": "enigma", "plural": "enigmi", "task": "Risolvi {goal}"},
            "points": {"label": "punti", "unit": "punto", "plural": "punti", "task": "Raccogli {goal}"},
            "topics": {"label": "temi", "unit": "tema", "plural": "temi", "task": "Esplora {goal}"},
        },
        "badges": {"regular": "Di casa", "thousand": "Mille", "wide": "Sguardo ampio"},
        "points": {"spark": {"unit": "scintilla", "plural": "scintille"}},
        "given": {"sage": "Saggio"},
    },
}
BADGES = {
    "regular": {"title": "Regular", "tier": "bronze", "category": "habit", "when": "solved >= 30"},
    "thousand": {"title": "Thousand", "tier": "gold", "category": "habit", "when": "solved >= 1000 and topics >= 9"},
    "wide": {"title": "Wide View", "tier": "gold", "category": "habit", "when": "last(solved, 7) >= 99 or points < 1"},
}
REWARDS = {
    "achievement_xp": {"bronze": 10, "silver": 20, "gold": 30, "platinum": 40},
    "points": {"spark": {"unit": "spark"}},
    "titles": {"sage": "Sage"},
    "tables": {"all": {"sparks": {"gives": "spark"}, "sage": {"gives": "sage", "at_most": {"night": 5}}}},
}
CHANGES: dict[str, Any] = {
    "voice": {"theme": "puzzles", "kind": "game", "languages": ["en", "de", "it"]},
    "translations": SAID,
    "content": {"types": TYPES, "social_metrics": ["topics"]},
    "badges": BADGES,
    "rewards": REWARDS,
    "tell_revocations": True,
}


@pytest.fixture(name="bundles", scope="module")
def _bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What players of each language see of the second of two nights, some of what was paid being taken back."""
    folder = tmp_path_factory.mktemp("languages")
    loaded, settings = load_app(str(write_app(folder, **CHANGES))), Settings(home=folder / "home")
    people = folder / "players.csv"
    rows = [f"{user},{language},2024-01-01T00:00:00Z" for user, language in PLAYERS.items()]
    people.write_text("\n".join(["user_id,language,recorded_at", *rows]), encoding="utf-8")
    played = write_events(folder, players=len(PLAYERS))
    run_ingest(settings, loaded, [people], history=True, players=True, now=now())
    run_ingest(settings, loaded, [played], history=True, players=False, now=now())
    serve_night(settings, loaded, LAST_NIGHT - dt.timedelta(days=1))
    with open_warehouse(settings.home, "puzzles") as warehouse:
        _pay_and_take_back(warehouse)
    serve_night(settings, loaded, LAST_NIGHT)
    seen: dict[str, list[dict[str, Any]]] = {language: [] for language in PLAYERS.values()}
    for bundle in map(json.loads, every_bundle(read_latest(settings.home, "puzzles"))):
        seen[PLAYERS[bundle["user_id"]]].append(bundle)
    return seen


def _pay_and_take_back(warehouse: Any) -> None:
    """Sparks of everybody, one of them taken back."""
    day = LAST_NIGHT - dt.timedelta(days=1)
    for mark, amount in (("given:", 5), ("taken:", -1)):
        warehouse.run(
            f"""INSERT INTO reward_ledger SELECT '{mark}' || player_key, uuid(), 'all.sparks', player_key, DATE '{day}',
                                                 'points', 'spark', {amount}, 'x', now() FROM players"""
        )


def sentences(bundle: object) -> Iterator[str]:
    """All that a person reads of a bundle, codes left out."""
    if isinstance(bundle, list):
        for part in bundle:
            yield from sentences(part)
    elif isinstance(bundle, dict):
        for name, value in bundle.items():
            if name in READ and isinstance(value, str):
                yield value
            else:
                yield from sentences(value)


def english_words(language: str) -> set[str]:
    """Words of four letters and more of the English catalogue that the other one does not have."""

    english, own = locale_of("en"), locale_of(language)
    known = words_of([*base_lexicon("game").values(), english.missing.model_dump(), english.weekdays, english.months])
    spoken = dict(spoken_lexicon(language, "informal", "game"))
    return known - words_of([own.model_dump(), spoken, SAID[language]])


def words_of(told: object) -> set[str]:
    """The words of all texts in it."""
    if isinstance(told, str):
        return set(re.findall(r"[^\W\d_]{4,}", re.sub(r"#\w+#|{\w+}", "", told).lower()))
    parts = told.values() if isinstance(told, dict) else told if isinstance(told, list) else []
    return {word for part in parts for word in words_of(part)}


@pytest.mark.parametrize("language", ["de", "it"])
def test_a_whole_bundle_has_no_word_of_the_english_catalogue(bundles, language: str) -> None:
    told = [text for bundle in bundles[language] for text in sentences(bundle)]
    assert len(told) > 20
    known = english_words(language)
    assert {"your", "more", "within", "monday"} <= known
    assert [(text, found) for text in told if (found := known & words_of(text))] == []
    titles = {"Regular", "Thousand", "Wide View", "Sage"}
    assert [text for text in told if any(title in text for title in titles) or "spark" in text] == []


def test_badges_rewards_and_what_is_missing_are_told_in_each_players_language(bundles) -> None:
    said = {
        language: {
            name: [row for bundle in mine for row in bundle.get(name, [])]
            for name in ("badges_held", "badge_progress", "wallets", "revocations")
        }
        for language, mine in bundles.items()
    }
    held = {
        language: {row["title"] for row in rows["badges_held"] if row["badge_id"] == "regular"}
        for language, rows in said.items()
    }
    assert held == {"en": {"Regular"}, "de": {"Stammgast"}, "it": {"Di casa"}}
    assert all(
        re.search(r"\d+ gelöste Rätsel", row["citation"])
        for row in said["de"]["badges_held"]
        if row["badge_id"] == "regular"
    )
    missing = {
        language: {
            re.sub(r"\d+", "n", row["remaining"]) for row in rows["badge_progress"] if row["badge_id"] == "thousand"
        }
        for language, rows in said.items()
    }
    assert missing == {
        "en": {"n more puzzles solved and n more topics"},
        "de": {"noch n gelöste Rätsel und noch n Themen"},
        "it": {"ancora n enigmi risolti e ancora n temi"},
    }
    wallets = {
        language: {row["words"] for row in rows["wallets"] if row["kind"] == "points"}
        for language, rows in said.items()
    }
    assert [
        all(word in words for words in wallets[tag])
        for tag, word in (("en", "sparks"), ("de", "Funken"), ("it", "scintille"))
    ] == [True] * 3
    revoked = {language: {row["words"] for row in rows["revocations"]} for language, rows in said.items()}
    assert revoked["de"] == {locale_of("de").taken_back.replace("{a}", "1 Funke")}
    assert revoked["it"] == {locale_of("it").taken_back.replace("{a}", "1 scintilla")}


def test_no_card_that_stays_open_says_how_many_days_there_are_left_of_its_first_one(bundles) -> None:
    """'Within the next 7 days' is true on the day of issue alone; a last day is true on all of them."""
    cards = [row for mine in bundles.values() for bundle in mine for row in bundle["challenges"]]
    lasting = [row for row in cards if row["valid_from"] != row["valid_until"]]
    assert {row["is_new"] for row in lasting} == {True, False}
    assert [
        row["description"] for row in lasting if re.search(r"(?:next|nächsten|prossimi) \d+", row["description"])
    ] == []


def test_who_is_coached_towards_a_target_reads_it_once(bundles) -> None:
    told = [row for mine in bundles.values() for bundle in mine for row in [bundle["messages"]]]
    both = [
        {row["content_type"]: row["body"] for row in rows}
        for rows in told
        if {"personal_coaching", "motivational_message"} <= {row["content_type"] for row in rows}
    ]
    assert both
    assert [row for row in both if re.search(r"\d+ ?%", row["motivational_message"])] == []
