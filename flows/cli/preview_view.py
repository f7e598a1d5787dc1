"""How `nightquest ingest --preview` shows what files would become."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from configs.loader import LoadedApp
from configs.nouns import counted
from data.warehouse import scratch
from flows.cli.drawing import Grid, literal, note, readable, shorten
from flows.clock import clock
from pipelines.activity.preview import Preview, preview_files


def preview_delivery(loaded: LoadedApp, files: Sequence[Path], *, players: bool) -> Preview:
    """Look at files as `ingest` would take them; nothing is written."""
    sql = loaded.players_sql if players else loaded.source_sql
    with scratch() as warehouse:
        given = {"source_sql": sql, "calendar_sql": loaded.calendar_sql}
        return preview_files(warehouse, loaded.app, files, now=clock(), **given, players=players)


def preview_view(preview: Preview) -> RenderableType:
    """Each file's columns, the first rows as they would go in, and why others would not."""
    parts: list[RenderableType] = []
    for found in preview.found:
        parts.append(
            Text(f"{shorten(Path(found.file))}: {found.reason or counted(len(found.columns), 'column')}", "bold")
        )
        table = Grid("column", "first value")
        for name, value in found.columns.items():
            table.add_row(literal(name), literal(value))
        parts += [table] if found.columns else []
    parts.append(Text("The first rows, as they would go in", style="bold"))
    rows = Grid("line", "player", f"when ({preview.timezone})", "what")
    zone = ZoneInfo(preview.timezone)
    for row in preview.rows:
        moment = row.get("occurred_at") or row.get("recorded_at")
        when = "" if moment is None else moment.astimezone(zone).isoformat(" ")
        rows.add_row(str(row["line"] or ""), literal(row.get("user_id")), when, literal(_what(row)))
    parts.append(rows)
    more = " (the beginning of the files)" if preview.partly else ""
    looked = preview.taken + preview.refused
    parts.append(
        Text(f"Of {counted(looked, 'row')}{more} {preview.taken:,} would go in and {preview.refused:,} would not.")
    )
    if preview.reasons:
        why = Grid("rows", "why not")
        for reason, n in preview.reasons.items():
            why.add_row(f"{n:,}" if n else "file", literal(reason))
        parts.append(why)
    parts += _calendar(preview)
    parts.append(note("Nothing was taken.", "dim"))
    return Group(*parts)


def _calendar(preview: Preview) -> list[RenderableType]:
    """The first entries of the calendar, and how many would stand."""
    if not preview.entries:
        return []
    entries = Grid("from", "to", "for whom", "what")
    for row in preview.calendar:
        whom = [row["cohort"], *(f"{k} {readable(v)}" for k, v in json.loads(row["attributes"] or "{}").items())]
        for_whom = ", ".join(filter(None, whom)) or "everybody"
        entries.add_row(
            str(row["starts_on"]), str(row["ends_on"]), literal(for_whom), literal(f"{row['kind']}: {row['title']}")
        )
    entry = counted(preview.entries, "entry")
    return [Text(f"The calendar would have {entry}; the first of them", style="bold"), entries]


def _what(row: Mapping[str, Any]) -> str:
    """The event with what it carries, or why the row would be refused."""
    if row.get("reason"):
        return f"refused: {row['reason']}: {str(row.get('raw') or '')[:200]}"
    carried = {
        name: row[name] for name in row if name not in {"line", "user_id", "event", "occurred_at", "recorded_at"}
    }
    told = [str(row["event"])] if row.get("event") else []
    for name, value in carried.items():
        if name in {"properties", "attributes"} and value:
            told += [f"{key} {readable(part)}" for key, part in json.loads(value).items()]
        elif value is not None and value != 0 and name not in {"raw", "reason"}:
            told.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(told)
