"""A library that speaks English, German and Italian, and all that the offline writer says of it."""

from typing import Any

from configs.app import App
from tests.factories import make_app
from tests.foreign.texts import Text, texts_of

TYPES = [
    *("daily_challenge", "custom_achievement", "adaptive_mission", "mission_brief", "motivational_message"),
    "personal_coaching",
    *("come_back_message", "tutorial", "social_prompt", "badge_citation"),
]
GERMAN: dict[str, Any] = {
    "metrics": {
        "pages": {"label": "gelesene Seiten", "unit": "Seite", "plural": "Seiten", "task": "Lies {goal}"},
        "reviews": {
            "label": "geschriebene Rezensionen",
            "unit": "Rezension",
            "plural": "Rezensionen",
            "task": "Schreib {goal} zu neuen Büchern",
        },
        "best": {"label": "beste Quizrunde", "unit": "Punkt", "plural": "Punkte", "task": "Erreiche {goal} im Quiz"},
        "days": {
            "label": "Lesetage",
            "unit": "Lesetag",
            "plural": "Lesetage",
            "task": "Lies an {goal}",
            "in_task": ["Tag", "Tagen"],
        },
        "genres": {"label": "Genres", "unit": "Genre", "plural": "Genres", "task": "Probier {goal} aus"},
        "mean": {"label": "Punkte je Quizrunde", "unit": "Punkt", "plural": "Punkte"},
    },
    "badges": {"first": "Erste Seite", "steady": "Treue Seele"},
}
ITALIAN: dict[str, Any] = {
    "metrics": {
        "pages": {"label": "pagine lette", "unit": "pagina", "plural": "pagine", "task": "Leggi {goal}"},
        "reviews": {
            "label": "recensioni scritte",
            "unit": "recensione",
            "plural": "recensioni",
            "task": "Scrivi {goal} sui libri nuovi",
        },
        "best": {"label": "miglior quiz", "unit": "punto", "plural": "punti", "task": "Fai {goal} in un quiz"},
        "days": {"label": "giorni di lettura", "unit": "giorno", "plural": "giorni", "task": "Leggi in {goal}"},
        "genres": {"label": "generi", "unit": "genere", "plural": "generi", "task": "Prova {goal}"},
        "mean": {"label": "punti per quiz", "unit": "punto", "plural": "punti"},
    },
    "badges": {"first": "Prima pagina", "steady": "Lettore fedele"},
}


def library(*languages: str, address: str = "informal") -> App:
    """The library, in some languages; the words of its file are the first one's."""
    score = {"type": "number", "min": 0}
    return make_app(
        app="library",
        title="Library",
        events={"read": {"properties": {"genre": "text"}}, "review": {}, "quiz": {"properties": {"points": score}}},
        metrics={
            "pages": {"event": "read", "label": "pages read", "unit": "page", "task": "Read {goal}"},
            "reviews": {
                "event": "review",
                "label": "reviews written",
                "unit": "review",
                "task": "Write {goal} of new books",
            },
            "best": {
                "event": "quiz",
                "agg": "max",
                "of": "points",
                "label": "best quiz round",
                "unit": "point",
                "task": "Score {goal} in a quiz",
            },
            "days": {"event": "read", "agg": "days", "label": "reading days", "unit": "day", "task": "Read on {goal}"},
            "genres": {"event": "read", "agg": "distinct", "of": "genre", "unit": "genre", "task": "Try {goal}"},
            "mean": {"event": "quiz", "agg": "mean", "of": "points", "label": "points per quiz", "unit": "point"},
        },
        segments={"features": ["pages", "reviews"], "score": "pages"},
        challenges={"metrics": ["pages", "reviews", "best", "days", "genres"]},
        badges={
            "first": {"title": "First Page", "tier": "bronze", "category": "reading", "when": "pages >= 1"},
            "steady": {
                "title": "Faithful",
                "tier": "gold",
                "category": "reading",
                "when": "last(days, 7) >= 5 and last(reviews, 7) >= 2 and mean >= 10 and best >= 20",
            },
        },
        voice={"theme": "a library", "languages": list(languages), "address": address},
        translations={tag: said for tag, said in (("de", GERMAN), ("it", ITALIAN)) if tag in languages},
        content={"types": TYPES, "social_metrics": ["reviews", "genres"]},
    )


def said_in(language: str, *, address: str = "informal", variants: int = 3, seed: int = 0) -> list[Text]:
    """All that is said to readers of a language, in their form of address."""
    return list(texts_of(library(language, address=address), variants=variants, seed=seed, language=language))
