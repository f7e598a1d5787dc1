"""How much of a machine a night gets changes how long it takes and nothing else."""

import shutil

import polars as pl
import pytest

from configs.loader import load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from pipelines.publish.published import read_latest
from tests.flows.world import LAST_NIGHT, write_app, write_events
from tests.pipelines.nights import now, serve_night

pytestmark = pytest.mark.slow


def published(home, threads) -> dict[str, pl.DataFrame]:
    """What a night publishes, but for the moment at which it was made."""
    loaded, settings = load_app(str(home.parent / "puzzles.yaml")), Settings(home=home, threads=threads)
    serve_night(settings, loaded, LAST_NIGHT)
    night = read_latest(home, "puzzles")
    return {name: night.table(name).drop("generated_at", strict=False) for name in night.manifest.tables}


def test_how_many_threads_read_the_warehouse_changes_nothing_that_is_published(tmp_path):
    loaded, home = load_app(str(write_app(tmp_path))), tmp_path / "home"
    run_ingest(Settings(home=home), loaded, [write_events(tmp_path)], history=True, players=False, now=now())
    shutil.copytree(home, tmp_path / "other")
    alone, together = published(home, None), published(tmp_path / "other", 4)
    assert alone["challenges"].height > 0
    assert [name for name in alone if not alone[name].equals(together[name])] == []
