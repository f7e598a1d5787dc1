"""The shipped apps without real data: nights in order from made-up play, none of them accepted."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from data.simulator.fitness import FitnessSettings, simulate_fitness, write_fitness
from flows.backfill import backfill
from flows.ingest import ingest
from pipelines.publish.published import read_latest
from tests.foreign.classes import school_days, workshop_days
from tests.foreign.data import LAST_DAY, Log, history, write_history

pytestmark = pytest.mark.long

PLAYERS, DAYS = 20, 40  # too few to learn from, which other tests do
SMALL = FitnessSettings(records=4 * PLAYERS, others=4 * PLAYERS, players=PLAYERS, days=DAYS, end=LAST_DAY)


def taken_fitness(folder: Path) -> None:
    """Tables of a game, players first."""
    people, play = write_fitness(simulate_fitness(SMALL), folder)
    ingest(app="fitness", files=[str(path) for path in people], players=True, history=True)
    ingest(app="fitness", files=[str(path) for path in play], history=True)


def taken_events(name: str, log: Log) -> Callable[[Path], None]:
    """Events in the contract's columns."""
    return lambda folder: ingest(
        app=name, files=[str(write_history(folder, history(name, PLAYERS, DAYS, log_of=log)))], history=True
    )


TAKEN = {
    "fitness": taken_fitness,
    "school": taken_events("school", school_days),
    "learning": taken_events("learning", workshop_days),
}


@pytest.mark.parametrize("name", TAKEN)
def test_nights_of_a_shipped_app_follow_each_other_without_accepting(name, new_home, tmp_path):
    TAKEN[name](tmp_path)
    reports = backfill(app=name, start=LAST_DAY - dt.timedelta(days=1), end=LAST_DAY)
    assert [report.figures["revision"] for report in reports] == [1, 1]
    assert all(report.figures["challenges"] > 0 for report in reports)
    latest = read_latest(new_home, name)
    assert latest.manifest.as_of == LAST_DAY
    assert latest.table("challenges").filter("is_new").height > 0
    assert latest.table("badges_held")["badge_id"].n_unique() >= 8
    assert (new_home / "published" / name / "medals" / "index.json").is_file() == (name == "school")
