"""A night killed half-way in any of its stages ends, run again, as one that nobody disturbed."""

import datetime as dt
import os
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import Warehouse
from pipelines.activity.job import run_ingest
from pipelines.publish.published import read_latest
from tests.flows.world import START, write_app, write_events
from tests.forks import FORKS
from tests.once import tracked_home
from tests.pipelines import nights

AS_OF = START + dt.timedelta(days=21)
STAGES = ("settle", "load_champions", "plan", "hire_writers", "write", "judge", "issue_night", "publish")
REWARDED = {
    "badges": {"star": {"title": "Star", "tier": "gold", "category": "luck"}},
    "rewards": {
        "points": {"gem": {"unit": "gem"}},
        "tables": {"all": {"gems": {"gives": "gem"}, "star": {"gives": "star", "chance": 0.5}}},
        "budgets": {"gem": {"worst": 60}},
    },
}
pytestmark = pytest.mark.slow
MADE = ["generated_at", "settled_at"]  # when it was


def serve(home: Path, as_of: dt.date = AS_OF, killed: tuple[str, int] = ("", 0)) -> Counter[str]:
    """Serve a night in this process, which ends at once after so many statements of a stage; how many each had."""
    asked: Counter[str] = Counter()
    now = [""]

    def stage(name: str, work: Any, *args: Any, **kwargs: Any) -> Any:
        now[0] = name
        if killed == (name, 0):
            os._exit(9)
        return work(*args, **kwargs)

    def statement(work: Any, self: Warehouse, *args: Any) -> Any:
        answer = work(self, *args)
        asked[now[0]] += 1
        if killed == (now[0], asked[now[0]]):
            os._exit(9)
        return answer

    for name in STAGES:
        setattr(nights, name, partial(stage, name, getattr(nights, name)))
    for name in ("run", "frame", "rows"):
        work = getattr(Warehouse, name)
        setattr(Warehouse, name, lambda self, *args, work=work: statement(work, self, *args))
    nights.serve_night(Settings(home=home), load_app(home.parent / "puzzles.yaml"), as_of)
    return asked


def apart(home: Path, *args: Any) -> Counter[str]:
    """`serve` in a process of its own.

    Raises:
        BrokenProcessPool: It was killed.
    """
    with ProcessPoolExecutor(1, mp_context=FORKS) as elsewhere:
        return elsewhere.submit(serve, home, *args).result()


def published(home: Path) -> dict[str, pl.DataFrame]:
    night = read_latest(home, "puzzles")
    return {name: night.table(name).drop(MADE, strict=False) for name in night.manifest.tables}


@pytest.fixture(name="begun", scope="module")
def _begun(tmp_path_factory):
    """(home with one night out, the next night's tables undisturbed, how many statements each stage has)."""
    folder = tmp_path_factory.mktemp("begun")
    home = tracked_home(tmp_path_factory, folder / "home")
    settings, loaded = Settings(home=home), load_app(write_app(folder, **REWARDED))
    events = [write_events(folder, days=30)]
    run_ingest(settings, loaded, events, history=True, players=False, now=nights.now())
    apart(home, AS_OF - dt.timedelta(days=1))
    calm = shutil.copytree(home, folder / "calm")
    asked = apart(calm)
    return home, published(calm), asked


@pytest.mark.parametrize("stages", [STAGES[:3], STAGES[3:6], STAGES[6:]], ids=", ".join)
def test_killed_half_way_in_a_stage_and_run_again_a_night_ends_as_if_nothing_had_been(begun, stages):
    """Some stages of one night: killed in the first, run again and killed in the next, until it is left alone."""
    home, wanted, asked = begun
    again = shutil.copytree(home, home.parent / stages[0])
    for stage in stages:
        with pytest.raises(RuntimeError, match="terminated abruptly"):
            apart(again, AS_OF, (stage, asked[stage] // 2))
        known = read_latest(again, "puzzles").manifest.as_of
        assert known in {AS_OF - dt.timedelta(days=1), AS_OF}, stage  # a whole night, either way
    apart(again)
    found = published(again)
    assert found.keys() == wanted.keys()
    assert found["challenges"].height > 0
    assert {"points", "badge"} == set(found["reward_ledger"]["kind"])
    for name, frame in wanted.items():
        assert found[name].equals(frame), name
