"""An app file may be edited after data, training and nights: the edit is refused with a problem, or the night runs."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from configs.app import App
from configs.errors import AppFileError
from configs.loader import load_app
from tests.flows.world import PUZZLES, write_app
from tests.pipelines.nights import serve_night
from tests.pipelines.trained import APP as BASE
from tests.pipelines.trained import NEXT

SOLVE = {"points": {"type": "number", "min": 0}, "topic": "text"}
METRICS: dict[str, Any] = PUZZLES["metrics"]
JUDGED = {
    "nominate_when": "solved >= 5",
    "criteria": "Somebody who is kind to the others, again and again.",
    "per_night": 2,
    "min_confidence": 0.9,
    "second_opinion": 0.5,
    "again_after_days": 7,
    "lapse_after_days": 9,
    "metrics": ["points"],
    "events": ["solve"],
    "properties": ["topic"],
    "hold_unusual": True,
}
PRICE = {
    "provider": "openai",
    "input_usd": 1.0,
    "output_usd": 2.0,
    "cached_input_usd": 0.5,
    "cache_write_usd": 1.5,
    "batch_share": 0.5,
    "structured": False,
}
PULL = {
    "dsn": "SHOP",
    "select": "SELECT * FROM rows",
    "watermark": "id",
    "overlap": 5,
    "players": True,
}
SEASON = {"on": "2023-12-01", "until": "2023-12-31", "yearly": True}
BADGE = {"title": "Keen", "tier": "gold", "category": "habit"}
OFFERS = {
    "gems": {
        "gives": "gem",
        "price": {"base": 3, "exponent": 2, "per_minute": 0.5, "scarcity": 0.5, "step": 2},
        "chance": 0.9,
        "at_most": {"night": 40, "week": 90, "ever": 900},
        "each": {"night": 2, "week": 9, "ever": 90},
    },
    "bonus": {"gives": "xp", "types": ["daily_challenge"], "days": "unusual"},
    "sage": {"gives": "sage", "difficulty": [5, 10]},
    "crown": {"gives": "crown"},
    "garden": {"gives": "garden", "types": ["adaptive_mission", "custom_achievement"]},
}
UNTRAINED = "older app file"
SAID = {"label": "Dinge", "unit": "Ding", "plural": "Dinge", "task": "Nehmen Sie {goal}", "in_task": ["Ding", "Dinge"]}
GERMAN = dict.fromkeys(METRICS, SAID)
CHAPTER = {"title": "Das Tor", "scene": ["Ein Tor steht offen."]}
RUNS: dict[str, dict[str, Any]] = {
    "taken away": {
        "events": {"solve": {"properties": {"points": SOLVE["points"]}}},
        "metrics": {name: METRICS[name] for name in ("solved", "points")},
        "badges": {},
        "calendar": [],
        "challenges": {"metrics": ["solved"], "windows": [1], "per_day": 1},
        "content": {},
    },
    "renamed": {
        "title": "Riddles",
        "source": "riddles",
        "vanished": "retract",
        "on_retraction": "revoke",
        "tell_revocations": True,
        "events": {
            "finish": {"properties": SOLVE, "value": {"type": "number", "min": 0, "max": 9, "chosen": True}},
            "solve": {"properties": SOLVE},
        },
        "metrics": {
            "done": {**METRICS["solved"], "event": ["finish", "solve"], "label": "riddles done", "unit": "riddle"},
            "gold": {**METRICS["points"], "event": ["finish", "solve"], "plural": "goldies", "unit": "goldy"},
            "begun": {**METRICS["solved"], "event": "finish", "once": True},
            "given": {**METRICS["solved"], "event": "finish", "verb": "give", "in_task": ["riddle", "riddles"]},
        },
        "segments": {"features": ["done", "gold"], "score": "gold"},
        "badges": {
            "steady": {**BADGE, "when": "done >= 30", "description": "Thirty riddles.", "xp": 7, "series": "steps"},
            "sudden": {**BADGE, "when": "gold >= 90", "hidden": True},
            "again": {**BADGE, "when": "done >= 1", "repeat": {"per": 5, "of": "done", "most": 3}},
            "merry": {**BADGE, "when": "done >= 1", "season": SEASON, "requires": ["steady"], "prestige": 3},
            "later": {**BADGE, "when": "done >= 2", "state": "on_hold"},
        },
        "medals": True,
        "pulls": {"shop": PULL},
        "challenges": {"metrics": ["done", "gold"]},
        "voice": {"theme": "riddles", "kind": "game"},
    },
    "counted otherwise": {
        "metrics": {
            **METRICS,
            "points": {**METRICS["points"], "agg": "max", "where": "topic <> 'a'"},
            "topics": {**METRICS["topics"], "agg": "days", "of": None},
        },
        "badges": {"regular": {**BADGE, "when": "last(points, 7) >= 5"}, "kind": {**BADGE, "judged": JUDGED}},
        "challenges": {
            "metrics": ["points", "topics"],
            "windows": [2, 5, 28],
            "per_day": 6,
            "target_probability": 0.4,
            "min_plays": 0.3,
            "most_open": 2,
            "active_within_days": 60,
            "grace_days": 0,
        },
    },
    "added": {
        "events": {
            "solve": {"properties": {**SOLVE, "points": {"type": "number", "min": 0, "max": 8, "chosen": True}}},
            "quiz": {"title": "Quiz", "active": False, "properties": {"mark": "text"}},
        },
        "metrics": {
            **METRICS,
            "quizzes": {"event": "quiz", "unit": "quiz", "label": "quizzes", "task": "Take {goal}"},
            "days": {"agg": "days", "unit": "day", "task": "Come back on {goal}"},
            "streak": {"agg": "streak", "unit": "day"},
            "least": {"event": "solve", "agg": "min", "of": "points", "better": "lower", "unit": "point"},
            "loved": {"event": "solve", "agg": "entity", "of": "points", "per": "topic", "reaches": 9, "unit": "topic"},
        },
        "segments": {"features": ["solved", "quizzes", "streak"], "score": "quizzes"},
        "challenges": {"metrics": ["quizzes", "days", "solved"], "windows": [1, 3, 7, 14]},
        "cohorts": {"by": ["topic"], "min_players": 25},
        "calendar": [{"title": "Fair", "kind": "holiday", "on": str(NEXT), "every": "year"}],
        "streaks": {
            "rest_days": ["sunday"],
            "rest_on": ["holiday"],
            "freezes": 2,
            "freeze_renews_days": 14,
            "short_day_hours": 12,
        },
        "caps": {"challenges_a_day": 2, "messages_a_day": 1},
        "quiet_hours": {"begin": "23:00", "end": "06:30"},
    },
    "judged otherwise": {
        "segments": {
            "features": ["topics"],
            "score": "solved",
            "levels": ["Low", "High"],
            "percentiles": [10, 99],
            "bands": {"Low": [10, 10], "High": [10, 99]},
            "shaped_by": ["age"],
            "measured_in": "cohort",
        },
        "promotion": "review",
        "personas": {
            "CALM": {"traits": {"regularity": 1}, "risk_tolerance": 0.1, "title": "Calm", "psychology": "Peace."}
        },
        "profile": {
            "styles": {"DASH": {"traits": {"intensity": 1}, "title": "Dasher"}},
            "social": ["solved"],
            "preferences": {"topic": {"event": "solve", "of": "topic"}, "size": {"event": "solve", "of": "points"}},
            "rankings": {
                "week": {"metric": "points", "days": 14, "among": "cohort"},
                "classes": {"metric": "solved", "teams": "class"},
            },
        },
        "engagement": {
            "levels": ["cold", "warm", "hot"],
            "metric": "points",
            "cuts": [4],
            "gone_after_days": 9,
            "ends_with": "solved",
        },
        "rewards": {
            "base_xp": 1,
            "exponent": 2,
            "step": 50,
            "badge_xp": {"bronze": 0},
            "achievement_xp": {"gold": 9},
            "prestige_xp": 5,
            "points": {"gem": {"unit": "gem", "plural": "gems"}},
            "titles": {"sage": "Sage"},
            "unlocks": {"garden": "the walled garden"},
            "tables": {"plain": OFFERS, "bare": {}},
            "budgets": {"gem": {"expected": 30, "worst": 200, "paid": 900}},
            "experiment": {"name": "gems", "arms": {"plain": 2, "bare": 1}, "goal": "return", "policy": "thompson"},
        },
        "badges": {"crown": BADGE},
        "calendar": [
            {
                "title": "May",
                "kind": "season",
                "on": str(NEXT),
                "until": str(NEXT + dt.timedelta(days=9)),
                "cohort": "a",
            }
        ],
    },
    "said otherwise, by another clock": {
        "voice": {
            "theme": "gardens",
            "player": "gardener",
            "tone": "calm",
            "languages": ["de", "en"],
            "forbidden": ["weed"],
            "lexicon": {"place": ["the pond"]},
            "address": "formal",
            "chapters": [CHAPTER],
        },
        "translations": {
            "de": {
                "metrics": GERMAN,
                "badges": {"regular": "Stammgast"},
                "lexicon": {"closing": ["Gutes Gelingen."]},
                "points": {"gem": {"unit": "Edelstein", "plural": "Edelsteine"}},
                "given": {"sage": "Weise"},
                "chapters": [CHAPTER],
            }
        },
        "rewards": {
            "points": {"gem": {"unit": "gem"}},
            "titles": {"sage": "Sage"},
            "tables": {"all": {"gem": {"gives": "gem"}, "sage": {"gives": "sage"}}},
        },
        "content": {
            "types": ["tutorial", "social_prompt", "mission_brief", "adaptive_mission", "daily_challenge"],
            "social_metrics": ["solved"],
            "provider": "offline",
            "mode": "batch",
            "variants": 3,
            "individual": {
                "top_spenders": 0.1,
                "spend_metric": "points",
                "at_risk": 0.1,
                "sample": 0.1,
                "attributes": ["plan"],
            },
            "prices": {"own-1": PRICE},
            "experiment": {
                "name": "words",
                "goal": "return",
                "policy": "thompson",
                "arms": {name: {"provider": "offline", "prompt": "next", "weight": 2} for name in ("one", "two")},
            },
        },
        "timezone": "Pacific/Auckland",
        "day_starts_at": "05:30",
        "earliest": "2010-01-01",
        "files": {"encoding": "cp1252", "delimiter": "semicolon", "columns": ["user_id", "event", "occurred_at"]},
    },
}
NOTES = {
    "taken away": "",
    "renamed": UNTRAINED,
    "counted otherwise": UNTRAINED,
    "added": UNTRAINED,
    "judged otherwise": "The segment model is of an older app file",
    "said otherwise, by another clock": "",
}
REFUSED: dict[str, dict[str, Any]] = {
    "a metric that challenges ask for": {"metrics": {name: METRICS[name] for name in ("solved", "points")}},
    "an event that metrics count": {"events": {"finish": {}}},
    "a property that is summed": {"events": {"solve": {"properties": {"topic": "text"}}}},
    "a window longer than a history": {"challenges": {"metrics": ["solved"], "windows": [60]}},
    "a condition that is none": {"metrics": {**METRICS, "solved": {**METRICS["solved"], "where": "points >"}}},
    "a streak to ask for": {"metrics": {**METRICS, "solved": {**METRICS["solved"], "agg": "streak"}}},
    "a badge of a metric that is gone": {"badges": {"regular": {**BADGE, "when": "gone >= 30"}}},
    "a zone that is none": {"timezone": "Berlin"},
    "a source that is none": {"source": "nowhere"},
}


@pytest.mark.parametrize("edit", RUNS)
def test_the_night_after_an_edit_runs_and_says_which_models_do_not_serve(trained, tmp_path, edit: str) -> None:
    settings = trained.copy(tmp_path)
    (tmp_path / "riddles.sql").write_text("SELECT * FROM events_raw", encoding="utf-8")
    loaded = load_app(write_app(tmp_path, **{**BASE, **RUNS[edit]}))
    report = serve_night(settings, loaded, NEXT)
    assert report.issued
    assert NOTES[edit] in "\n".join(report.notes)
    assert any("learned its own" in note for note in report.notes) == (NOTES[edit] == UNTRAINED)


@pytest.mark.parametrize("edit", REFUSED)
def test_an_edit_that_leads_nowhere_is_refused_with_its_place_in_the_file(tmp_path, edit: str) -> None:
    with pytest.raises(AppFileError) as error:
        load_app(write_app(tmp_path, **{**BASE, **REFUSED[edit]}))
    assert next(iter(REFUSED[edit])) in str(error.value)


def test_every_key_of_an_app_file_is_among_the_edits_but_its_name() -> None:
    schema = App.model_json_schema()
    every = dict.fromkeys(keys_of(schema, schema["$defs"]))
    edits = [edit for edits in (RUNS, REFUSED) for edit in edits.values()]
    edited = {key for edit in edits for key in keys_of(schema, schema["$defs"], BASE, {**BASE, **edit})}
    assert set(every) - edited == {"app"}


def keys_of(schema: Any, defs: Any, before: Any = None, after: Any = None, at: str = "") -> Iterator[str]:
    """Each key that a file may have, `*` standing for a name or a place; with two files, those that differ in them."""
    if after is not None and not isinstance(after, dict | list):
        return
    schema = defs[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for each in schema.get("anyOf", []):
        yield from keys_of(each, defs, before, after, at)
    for name, part in schema.get("properties", {}).items():
        old, new = (each.get(name) if isinstance(each, dict) else None for each in (before, after))
        if after is None or (new is not None and new != old):
            yield f"{at}{name}"
            yield from keys_of(part, defs, old, new, f"{at}{name}.")
    inner = [schema.get("additionalProperties"), schema.get("items"), *schema.get("patternProperties", {}).values()]
    for part in filter(lambda each: isinstance(each, dict), inner):
        if after is None:
            yield from keys_of(part, defs, at=f"{at}*.")
        elif isinstance(after, dict):
            for name, new in after.items():
                yield from keys_of(part, defs, before.get(name) if isinstance(before, dict) else None, new, f"{at}*.")
        else:
            for new in after:
                yield from keys_of(part, defs, None, new, f"{at}*.")
