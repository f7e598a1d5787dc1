"""Replay as a job: every promise with its outcome kept under home, and the plot."""

import datetime as dt

import polars as pl

from configs.loader import LoadedApp
from configs.settings import Settings
from models.tracking.plots import reliability_plot, save_figure
from pipelines.learning.steps import Progress, silent
from pipelines.learning.training import SEED
from pipelines.replay.replay import replay_nights
from pipelines.reports import ReplayReport
from pipelines.stores import open_app


def run_replay(
    settings: Settings, loaded: LoadedApp, *, start: dt.date, end: dt.date, progress: Progress = silent
) -> ReplayReport:
    """Issue past nights from what was known then, settle them, and draw what was promised against what was kept."""
    with open_app(settings, loaded) as warehouse:
        replay = replay_nights(
            warehouse, loaded.app, start, end, seed=SEED, grace=settings.day_grace, progress=progress
        )
    folder = settings.home / "replay" / loaded.app.app
    folder.mkdir(parents=True, exist_ok=True)
    promises = folder / f"{start}_{end}.parquet"
    replay.promises.write_parquet(promises)
    figure = reliability_plot(
        replay.promises["hit"].cast(pl.Float64).to_numpy(),
        replay.promises["completion_probability"].to_numpy(),
        replay.promises["player_key"].to_numpy(),
        title=f"{loaded.app.title}\npromised and kept, {start} to {end}",
        groups=("quarters by activity", pl.DataFrame(replay.figures["by_activity"])),
    )
    return ReplayReport(replay.figures, save_figure(figure, promises.with_suffix(".png")), promises)
