"""How `nightquest pull` tells people what came from their servers, and with `--preview` what would."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Group, RenderableType
from rich.text import Text

from configs.commands import command
from configs.loader import LoadedApp
from data.warehouse import scratch
from flows.cli.drawing import figures_table, note
from flows.cli.ingest_view import ingest_view
from flows.cli.preview_view import preview_view
from flows.clock import clock
from flows.pull import addresses_of
from pipelines.activity.preview import Preview, preview_files
from pipelines.activity.pull import PullResult, spool

ROWS = 1_000  # that a preview reads of each pull


def preview_pulls(loaded: LoadedApp) -> list[Preview]:
    """Look at the first rows of each pull as they would be taken; nothing is written."""
    shown = []
    for players, sql in ((True, loaded.players_sql), (False, loaded.source_sql)):
        with TemporaryDirectory() as folder, scratch() as warehouse:
            files, pulled = spool(loaded, addresses_of(loaded), Path(folder), players=players, most=ROWS)
            if files:
                given = {"source_sql": sql, "calendar_sql": loaded.calendar_sql}
                told = preview_files(warehouse, loaded.app, files, now=clock(), **given, players=players)
                found = tuple(replace(one, file=Path(one.file).stem) for one in told.found)
                shown.append(replace(told, found=found, partly=any(one.rows == ROWS for one in pulled)))
    return shown


def previews_view(shown: list[Preview]) -> RenderableType:
    """Players and events, one after the other."""
    return Group(*map(preview_view, shown))


def pull_view(app: str, result: PullResult) -> RenderableType:
    """What each pull brought, what a person should know of it, and what became of its rows."""
    parts: list[RenderableType] = [figures_table(f"Pulled for {app}", {one.name: one.rows for one in result.pulled})]
    parts += [Text(f"{one.name}: {note}.", "yellow") for one in result.pulled for note in one.notes]
    parts += [ingest_view(app, taken) for taken in (result.players, result.events) if taken]
    changed = any(" before" in told for one in result.pulled for told in one.notes)
    if changed and any(taken.refused for taken in (result.players, result.events) if taken):
        again = command("pull", "--again", app=app)
        parts.append(note(f"Cast it in the pull's select to what it was; then {again} takes what was refused."))
    return Group(*parts)
