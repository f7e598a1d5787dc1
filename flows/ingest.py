"""Ingest: files of events or players into an app's warehouse.

Runs whenever files arrive. Writes the app's warehouse and nothing else; the next night reads it. A file is taken once,
a bad row goes to quarantine with its reason, and taking the same files again changes nothing.
"""

from dataclasses import asdict
from pathlib import Path

from flows.parameters import AppName, Files
from flows.progress import report
from flows.recording import flow, task
from flows.running import Run, begin, show_figures
from flows.schedule import Deployed
from pipelines.activity.ingest import IngestResult
from pipelines.activity.job import run_ingest


@task
def take_files(run: Run, files: list[str], history: bool, players: bool) -> IngestResult:
    """Take the files in, in one transaction."""
    paths = [Path(file) for file in files]
    return run_ingest(run.settings, run.loaded, paths, history=history, players=players, now=run.now, progress=report)


@flow("ingest {app}", Deployed())
def ingest(app: AppName, files: Files, history: bool = False, players: bool = False) -> IngestResult:
    """Take files of events or players into an app's warehouse.

    Args:
        app: A shipped app's name, or the path of an app file.
        files: Files or folders on the machine that serves: CSV, JSON or Parquet, also .gz and .zst.
        history: Past data. An event counts as known from when it occurred, not from now.
        players: The files describe players, not events.
    """
    run = begin(app)
    result = take_files(run, files, history, players)
    show_figures(run.loaded.app.app, "ingest", asdict(result), f"What {len(files)} path(s) brought.")
    return result
