"""An app file may be edited after data, training and nights: the edit is refused with a problem, or the night runs."""

import datetime as dt
import shutil
from typing import Any

import pytest

from configs.errors import AppFileError
from configs.loader import load_app
from configs.settings import Settings
from pipelines.ingest import run_ingest
from pipelines.steps import run_train
from tests.flows.world import PUZZLES, START, write_app, write_events
from tests.pipelines.nights import now, serve_night

FIRST, NEXT = START + dt.timedelta(days=34), START + dt.timedelta(days=35)
SOLVE = {"points": {"type": "number", "min": 0}, "topic": "text"}
METRICS: dict[str, Any] = PUZZLES["metrics"]
BASE: dict[str, Any] = {
    **PUZZLES,
    "calendar": [{"title": "Finals", "kind": "exam", "on": str(NEXT + dt.timedelta(days=3))}],
    "content": {"types": ["daily_challenge", "motivational_message", "custom_achievement", "adaptive_mission"]},
}
BADGE = {"title": "Keen", "tier": "gold", "category": "habit"}
RUNS: dict[str, dict[str, Any]] = {
    "taken away": {
        "events": {"solve": {"properties": {"points": SOLVE["points"]}}},
        "metrics": {name: METRICS[name] for name in ("solved", "points")},
        "badges": {},
        "calendar": [],
        "challenges": {"metrics": ["solved"], "windows": [1], "per_day": 1},
        "content": {},
    },
    "counted otherwise": {
        "metrics": {
            **METRICS,
            "points": {**METRICS["points"], "agg": "max", "where": "topic <> 'a'"},
            "topics": {**METRICS["topics"], "agg": "days", "of": None},
        },
        "badges": {"regular": {**BADGE, "when": "last(points, 7) >= 5"}},
        "challenges": {"metrics": ["points", "topics"], "windows": [2, 5, 28], "per_day": 6},
    },
    "added": {
        "events": {**PUZZLES["events"], "quiz": {"properties": {"score": {"type": "number", "min": 0}}}},
        "metrics": {
            **METRICS,
            "quizzes": {"event": "quiz", "unit": "quiz", "label": "quizzes", "task": "Take {goal}"},
            "days": {"agg": "days", "unit": "day", "task": "Come back on {goal}"},
            "streak": {"agg": "streak", "unit": "day"},
        },
        "segments": {"features": ["solved", "quizzes", "streak"], "score": "quizzes"},
        "challenges": {"metrics": ["quizzes", "days", "solved"], "windows": [1, 3, 7, 14]},
        "cohorts": {"by": ["topic"], "min_players": 20},
    },
    "judged otherwise": {
        "segments": {"features": ["topics"], "score": "solved", "levels": ["Low", "High"], "percentiles": [10, 99]},
        "personas": {"CALM": {"traits": {"regularity": 1}, "risk_tolerance": 0.1}},
        "engagement": {"levels": ["cold", "hot"], "metric": "points"},
        "rewards": {"base_xp": 1, "step": 50, "badge_xp": {"bronze": 0}, "achievement_xp": {"gold": 9}},
    },
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


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory):
    """A home with data, what so few players teach, and a night whose promises are open."""
    folder = tmp_path_factory.mktemp("trained")
    loaded, settings = load_app(write_app(folder, **BASE)), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder)], history=True, players=False, now=now())
    run_train(settings, loaded, as_of=FIRST, now=now())
    serve_night(settings, loaded, FIRST)
    return settings.home


@pytest.mark.parametrize("edit", RUNS)
def test_the_night_after_an_edit_of_the_app_file_runs(trained, tmp_path, edit: str) -> None:
    shutil.copytree(trained, tmp_path / "home")
    loaded = load_app(write_app(tmp_path, **{**BASE, **RUNS[edit]}))
    assert serve_night(Settings(home=tmp_path / "home"), loaded, NEXT).issued


@pytest.mark.parametrize("edit", REFUSED)
def test_an_edit_that_leads_nowhere_is_refused_with_its_place_in_the_file(tmp_path, edit: str) -> None:
    with pytest.raises(AppFileError) as error:
        load_app(write_app(tmp_path, **{**BASE, **REFUSED[edit]}))
    assert next(iter(REFUSED[edit])) in str(error.value)
