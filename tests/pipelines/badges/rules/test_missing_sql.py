"""What a badge still asks for, as people of each language write it."""

import pytest

from configs.speaking import speaking
from configs.voice import languages, locale_of
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from tests.factories import event, make_app, warehouse_with
from tests.pipelines.badges.rules.awards import pin

_FIRST = make_app().model_dump()
_EVENTS = _FIRST["events"] | {
    "solve": {"properties": {"points": {"type": "number", "min": 0}, "topic": "text", "clean": "boolean"}}
}
_METRICS = _FIRST["metrics"] | {
    "clean": {"event": "solve", "agg": "mean", "of": "clean", "label": "share solved cleanly"},
    "best": {"event": "solve", "agg": "max", "of": "points", "label": "best round", "unit": "point"},
    "time": {"event": "solve", "agg": "sum", "of": "points", "label": "minutes of play", "unit": "minute"},
    "paid": {"event": "solve", "agg": "sum", "of": "points", "label": "money spent", "unit": "€"},
}
_SAID = {
    "solved": {"label": "gelöste Rätsel", "unit": "Rätsel", "plural": "Rätsel", "task": "Löse {goal}"},
    "points": {"label": "Punkte", "unit": "Punkt", "plural": "Punkte", "task": "Sammle {goal}"},
    "days": {"label": "Spieltage", "unit": "Tag", "plural": "Tage", "task": "Spiel an {goal}"},
    "topics": {"label": "Themen", "unit": "Thema", "plural": "Themen", "task": "Probier {goal}"},
    "clean": {"label": "saubere Lösungen"},
    "best": {"label": "beste Runde", "unit": "Punkt", "plural": "Punkte"},
    "time": {"label": "Minuten", "unit": "Minute", "plural": "Minuten"},
    "paid": {"label": "ausgegebene Euro", "unit": "€", "plural": "€"},
}
RULES = {
    "three": "solved >= 1203 and topics >= 2 and last(days, 7) >= 3",
    "clean": "clean >= 0.9",
    "best": "best >= 2500.5",
    "few": "last(solved, 7) <= 1",
    "more": "points > 5000 * solved",
    "time": "time >= 1258.3",
    "paid": "paid >= 1257.5",
}


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (
            ["en"],
            {
                "three": "1,201 more puzzles solved, 1 more topic and 2 more days within 7 days",
                "clean": "your share solved cleanly at 90% or more (now 50%)",
                "best": "your best round at 2,500.5 points or more (now 1,250)",
                "few": "at most 1 puzzle within 7 days (now 2)",
                "more": "points above 5000 times puzzles solved",
                "time": "4 more minutes of play",
                "paid": "€2.50 more spent",
            },
        ),
        (
            ["de"],
            {
                "three": "noch 1.201 gelöste Rätsel, noch 1 Thema und noch 2 Spieltage innerhalb von 7 Tagen",
                "clean": "saubere Lösungen: mindestens 90\u00a0% (jetzt 50\u00a0%)",
                "best": "beste Runde: mindestens 2.500,5 Punkte (jetzt 1.250)",
                "few": "höchstens 1 Rätsel innerhalb von 7 Tagen (jetzt 2)",
                "more": "Punkte über 5000 mal gelöste Rätsel",
                "time": "noch 4 Minuten",
                "paid": "noch 2,50\u00a0€",
            },
        ),
    ],
)
def test_what_is_missing_is_whole_in_a_language_and_a_share_is_told_in_hundredths(
    tags: list[str], told: dict[str, str]
) -> None:
    badges = {name: {"title": name, "tier": "bronze", "category": "test", "when": rule} for name, rule in RULES.items()}
    translations = {"de": {"metrics": _SAID}} if tags == ["de"] else {}
    voice = {"theme": "x", "languages": tags}
    app = make_app(events=_EVENTS, metrics=_METRICS, badges=badges, voice=voice, translations=translations)
    assert speaking(app, tags[0])
    rows = [event(1, 0, points=1250, topic="a", clean=True), event(1, 0.1, points=5, topic="a", clean=False)]
    with warehouse_with(app, rows) as warehouse:
        found = badge_progress(Known(warehouse, pin(warehouse, app, 1)))
    assert dict(found.select("badge_id", "remaining").iter_rows()) == told


@pytest.mark.parametrize("language", languages())
def test_every_language_says_how_much_more_of_what(language: str) -> None:
    said = locale_of(language).missing
    assert "{n}" in said.more
    assert "{a}" in said.more
    for templates, slot in ((said.levels, "{n}"), (said.compared, "{b}")):
        assert all("{a}" in one and slot in one for one in templates.values())
    assert all("{a}" in one for one in (*said.counts.values(), *said.this.values(), said.in_a_row, said.now))
    assert "{a}" in locale_of(language).days_until
