"""Ingest as a job: files of events or players into an app's warehouse."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from configs.loader import LoadedApp
from configs.settings import Settings
from pipelines.activity.ingest import IngestResult, Progress, ingest_files
from pipelines.stores import open_app


def run_ingest(
    settings: Settings,
    loaded: LoadedApp,
    paths: Sequence[Path],
    *,
    history: bool,
    players: bool,
    now: dt.datetime,
    progress: Progress | None = None,
) -> IngestResult:
    """Take files into an app's warehouse; see pipelines.activity.ingest."""
    source, other = loaded.source_sql, loaded.players_sql
    if players:
        source, other = other, source
    with open_app(settings, loaded, grows=True) as warehouse:
        return ingest_files(
            warehouse,
            loaded.app,
            paths,
            now=now,
            history=history,
            source_sql=source,
            calendar_sql=loaded.calendar_sql,
            other_sql=other,
            players=players,
            progress=progress,
        )
