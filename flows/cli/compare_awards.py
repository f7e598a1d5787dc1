"""`nightquest compare-awards`: an app's badge rules against the badges that were really given."""

import datetime as dt
from pathlib import Path

import polars as pl
from rich.console import Group, RenderableType
from rich.text import Text

from configs.loader import load_app
from configs.settings import Settings
from flows.cli.drawing import Grid
from flows.progress import report
from pipelines.replay.compare_awards import compare_file
from pipelines.stores import open_app


def compare(settings: Settings, app: str, file: Path, as_of: dt.date | None) -> pl.DataFrame:
    """One row per badge; see `pipelines.replay.compare_awards`."""
    loaded = load_app(app)
    report("Comparing awards", 0, 1)
    with open_app(settings, loaded) as warehouse:
        table = compare_file(warehouse, loaded.app, file, as_of)
    report("Comparing awards", 1, 1)
    return table


def comparison_view(app: str, table: pl.DataFrame) -> RenderableType:
    """For people: counts of users, and shares of them."""
    shown = Grid()
    shown.add_column("badge")
    for name in ("ours", "given", "both", "precision", "recall", "same day", "progress of missed"):
        shown.add_column(name, justify="right")
    for row in table.iter_rows(named=True):
        counts = [f"{row[name]:,}" if row[name] is not None else "" for name in ("ours", "theirs", "both")]
        shares = [_share(row[name]) for name in ("precision", "recall", "date_agreement", "missed_progress")]
        shown.add_row(Text(row["title"]), *counts, *shares)
    return Group(Text(f"Badges of {app}: ours and those really given, by user", style="bold"), shown)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
