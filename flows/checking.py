"""What `nightquest check` tells about an app file that is right."""

from collections.abc import Sized
from typing import Any

import sqlglot

from configs.app import App
from configs.expressions import parse_rule
from configs.loader import LoadedApp
from data.zones import rules_note
from flows.clock import clock
from flows.console import shorten
from pipelines.activity.metric_sql import contributions, derived_sql


def describe(loaded: LoadedApp) -> dict[str, Any]:
    """Plain facts of a loaded app."""
    app = loaded.app
    sections: dict[str, Sized] = {
        "events": app.events,
        "metrics": app.metrics,
        "personas": app.personas,
        "badges": app.badges,
    }
    return {
        "app": app.app,
        "title": app.title,
        "file": str(shorten(loaded.path)),
        "hash": loaded.hash,
        "timezone": app.timezone,
        "source": app.source,
        "notes": list(rules_note(app.timezone, clock().date())),
        "counts": {name: len(section) for name, section in sections.items()},
    }


def generated_sql(app: App) -> dict[str, str]:
    """The SQL of each metric and each badge rule, by name."""
    metrics = {f"metric {name}": _metric(app, name) for name in app.metrics}
    badges = {f"badge {name}": _pretty(_rule(app, badge.condition)) for name, badge in app.badges.items()}
    return {name: f"-- {name}\n{text};" for name, text in (metrics | badges).items()}


def _metric(app: App, name: str) -> str:
    derived = app.metrics[name].agg in {"entity", "streak"}
    return _pretty(derived_sql(app, name, "touched_players") if derived else contributions(app, name).sql("duckdb"))


def _rule(app: App, when: str) -> str:
    return f"SELECT player_key FROM running_values WHERE {parse_rule(when, app.metrics).sql}"


def _pretty(sql: str) -> str:
    return sqlglot.parse_one(sql, dialect="duckdb").sql(dialect="duckdb", pretty=True)
