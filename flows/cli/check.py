"""What `nightquest check` tells: every fault of an app file in one round, or what is in it and how it reads."""

from collections.abc import Iterator, Sized
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlglot

from configs.app import App
from configs.errors import NightquestError
from configs.expressions import parse_rule
from configs.loader import LoadedApp, SourceTexts, examine_app, load_app, read_source_of
from configs.problems import as_error, consistency_problem
from configs.prompt import read_prompts
from data.contracts_in import CALENDAR_COLUMNS, EVENT_COLUMNS, PLAYER_COLUMNS
from data.warehouse import open_warehouse, warehouse_path
from data.zones import rules_note
from flows.cli.drawing import shorten
from flows.clock import clock
from pipelines.activity.metric_sql import contributions, derived_sql
from pipelines.activity.source import read_source
from pipelines.badges.lint import lint_app
from pipelines.rewards.lint import lint_rewards, reward_samples
from pipelines.words.app_file import language_notes, voice_problems, wording_problems
from pipelines.words.samples import sample_sentences


def check_app(home: Path, name_or_path: str) -> LoadedApp:
    """Load an app that is right in every way that can be known before its night.

    Args:
        home: Where its data lie, if there are any: the columns that its source reads must be among them.
        name_or_path: The app.

    Raises:
        AppFileError: With every fault of schema, references, conditions, words, lexicon and source, each with its line.
        NightquestError: A prompt file has a problem.
    """
    examined = examine_app(name_or_path)
    told = []
    if examined.app is not None:
        sources = read_source_of(examined.source.path, examined.app)
        told = [*voice_problems(examined.app), *_source_problems(home, examined.app, sources)]
        told += [] if examined.problems else wording_problems(examined.app)
    problems = [*examined.problems, *(consistency_problem(examined.source, text) for text in told)]
    if problems:
        raise as_error(problems)
    read_prompts()
    return load_app(name_or_path)


def _source_problems(home: Path, app: App, texts: SourceTexts) -> Iterator[str]:
    kinds = ((texts.events, EVENT_COLUMNS), (texts.players, PLAYER_COLUMNS), (texts.calendar, CALENDAR_COLUMNS))
    for sql, columns in kinds:
        if sql is None:
            continue
        try:
            source = read_source(sql)
        except NightquestError as error:
            yield f"source: {error.message[:1].lower()}{error.message[1:-1]}"
            continue
        wanted = [name for name, needed in columns.items() if needed]
        missing = [name for name in wanted if source.yields and name not in source.yields]
        strange = [name for name in source.yields if name not in {*columns, "_delivery_id", "_row"}]
        if missing or strange:
            yield (
                f"source: its SELECT yields {', '.join(source.yields)}"
                + (f", but not {', '.join(missing)}" if missing else "")
                + f"; a source yields {', '.join(columns)}"
            )
        elif warehouse_path(home, app.app).exists():
            from pipelines.activity.raw_tables import column_fault

            with suppress(NightquestError), open_warehouse(home, app.app, read_only=True) as warehouse:
                if fault := column_fault(warehouse, source):
                    yield f"source: {fault}"


def describe(loaded: LoadedApp) -> dict[str, Any]:
    """Plain facts of a loaded app."""
    app, today = loaded.app, clock().date()
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
        "notes": [*rules_note(app.timezone, today), *language_notes(app)],
        "advice": [*lint_app(app, today), *lint_rewards(app)],
        "samples": [*(asdict(sample) for sample in sample_sentences(app)), *reward_samples(app)],
        "counts": {name: len(section) for name, section in sections.items()},
    }


def summary(facts: dict[str, Any]) -> str:
    """The facts as text: what is in the file, and a sample of every sentence."""
    counts = ", ".join(f"{n} {name if n != 1 else name[:-1]}" for name, n in facts["counts"].items())
    lines = [f"{facts['file']} is right: {counts}.", *facts["notes"]]
    if facts["samples"]:
        lines += ["", "How it reads; where a sentence limps, mend label, unit, plural or task there:"]
    for place, samples in groupby(facts["samples"], lambda sample: sample["of"]):
        said = {sample["form"]: sample["text"] for sample in samples}
        amounts = ", ".join(said.pop(form) for form in ("one", "many") if form in said)
        lines.append(f"  {place}" + (f": {amounts}" if amounts else ""))
        lines += [f"    {form}: {text}" for form, text in said.items()]
    return "\n".join(lines)


def generated_sql(app: App) -> dict[str, str]:
    """The SQL of each metric and each badge rule, by name."""
    metrics = {f"metric {name}": _metric(app, name) for name in app.metrics}
    ruled = {name: badge.condition for name, badge in app.badges.items() if badge.condition}
    badges = {f"badge {name}": _pretty(_rule(app, condition)) for name, condition in ruled.items()}
    return {name: f"-- {name}\n{text};" for name, text in (metrics | badges).items()}


def _metric(app: App, name: str) -> str:
    derived = app.metrics[name].aggregation.derived
    return _pretty(derived_sql(app, name, "touched_players") if derived else contributions(app, name).sql("duckdb"))


def _rule(app: App, when: str) -> str:
    return f"SELECT player_key FROM running_values WHERE {parse_rule(when, app.metrics).sql}"


def _pretty(sql: str) -> str:
    return sqlglot.parse_one(sql, dialect="duckdb").sql(dialect="duckdb", pretty=True)
