"""What `nightquest quarantine` tells: why rows were refused, some of them, and where they were written to be mended."""

from dataclasses import replace
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from configs.app import App
from configs.commands import command
from configs.nouns import counted
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.drawing import Grid, literal, note, shorten
from pipelines.activity.quarantine import Quarantine, export_rows, read_quarantine

_SHOWN = 300


def visit_quarantine(settings: Settings, app: App, reason: str, samples: int, export: Path | None) -> Quarantine:
    """Read what lies in quarantine, and write its rows to a file if asked."""
    wait = settings.wait_for_lock_s
    with open_warehouse(settings.home, app.app, read_only=True, wait_for_lock_s=wait) as warehouse:
        found = read_quarantine(warehouse, app.app, reason, samples)
        if export is None:
            return found
        written, kept_back, of_players = export_rows(warehouse, export, reason)
    return replace(found, exported=written, kept_back=kept_back, of_players=of_players)


def quarantine_view(found: Quarantine) -> RenderableType:
    """A table of reasons with their rows, the files refused whole, and how to go on."""
    if not found.rows and not found.files:
        return Text(f"Nothing of {found.app} lies in quarantine.")
    parts: list[RenderableType] = [Text(f"{found.app}: {counted(found.rows, 'row')} in quarantine", style="bold")]
    table = Grid("rows", "since", "why, and some of them")
    for held in found.held:
        table.add_row(f"{held.rows:,}", held.since, literal(held.reason))
        for sample in held.samples:
            place = f"{Path(str(sample['file'])).name}:{sample['line']}"
            table.add_row("", "", literal(f"{place}  {str(sample['raw'] or '')[:_SHOWN]}", "dim"))
    parts += [table] if found.held else []
    if found.files:
        refused = Grid("file refused as a whole", "why")
        for file, reason in found.files.items():
            refused.add_row(literal(shorten(Path(file))), literal(reason))
        parts.append(refused)
    parts += _next(found)
    return Group(*parts)


def _next(found: Quarantine) -> list[RenderableType]:
    if not found.exported:
        told = "To mend rows: " + command("quarantine", "--export", "mend.jsonl", app=found.app)
        return [note(told, "")] if found.rows else []
    parts: list[RenderableType] = [
        Text(f"Written: {shorten(Path(file))} with {counted(rows, 'row')}.") for file, rows in found.exported.items()
    ]
    if found.kept_back:
        parts.append(
            Text(f"{counted(found.kept_back, 'row')} left out: too long to be kept whole; mend the file itself.")
        )
    history = ["--history"] if found.history else []
    events = [shorten(Path(file)) for file in found.exported if file not in found.of_players]
    players = [shorten(Path(file)) for file in found.of_players]
    runs = [[*events, *history], [*players, *history, "--players"]]
    commands = [
        command("ingest", *words, app=found.app) for words, files in zip(runs, (events, players), strict=True) if files
    ]
    parts.append(note("Mend them there, leave _quarantined as it is, then: " + " and ".join(commands), ""))
    return parts
