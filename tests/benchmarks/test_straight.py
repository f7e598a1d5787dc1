"""The straight scripts answer as Nightquest does, or the ratio to them would say nothing."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import Warehouse, open_warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics
from pipelines.known import Known
from pipelines.pins import make_night
from pipelines.players.features import compute_features
from tests.benchmarks.delivery import write_delivery
from tests.benchmarks.straight.features import COUNTS, features_sql
from tests.benchmarks.straight.ingest import ingest
from tests.benchmarks.straight.night import serve
from tests.benchmarks.straight.store import open_store
from tests.benchmarks.straight.train import train
from tests.pipelines.nights import serve_night

pytestmark = pytest.mark.slow
DAYS = 33
NIGHT = dt.date(2026, 1, 5) + dt.timedelta(days=DAYS - 1)
NEXT = NIGHT + dt.timedelta(days=1)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
MEASURED = (
    *COUNTS, "average_drill_score", "win_rate", "stop_rate", "average_volume", "best_drill_score", "drill_modes",
    "mates_helped", "instruments",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Past and new day taken in by both, a night after each by the script, whose store lies beside the home's files."""
    folder = tmp_path_factory.mktemp("bench")
    write_delivery(folder, 150, DAYS)
    loaded, settings, store = load_app("trading"), Settings(home=folder), folder / "academy.duckdb"
    past = sorted((folder / "past").iterdir())
    for night, files in ((NIGHT, past), (NEXT, [folder / "new_day.parquet"])):
        with open_warehouse(folder, "trading") as warehouse:
            sync_metrics(warehouse, loaded.app)
            if files is past:
                people = [folder / "players.parquet"]
                ingest_files(warehouse, loaded.app, people, now=NOW, history=True, players=True)
            ingest_files(warehouse, loaded.app, files, now=NOW, history=True)
        ingest(store, files, folder / "players.parquet" if files is past else None)
        if files is past:
            train(store, NIGHT)
        serve(store, night, folder / "straight" / night.isoformat(), at_once=60)
    serve_night(settings, loaded, NEXT)
    return folder


@pytest.fixture
def warehouse(home: Path) -> Iterator[Warehouse]:
    with open_warehouse(home, "trading") as warehouse:
        sync_metrics(warehouse, load_app("trading").app)
        yield warehouse


@pytest.fixture
def con(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_store(home / "academy.duckdb") as con:
        yield con


def test_straight_ingest_keeps_the_same_events_on_the_same_days(
    warehouse: Warehouse, con: duckdb.DuckDBPyConnection
) -> None:
    asked = "SELECT event_id, user_id, event, occurred_at, sequence, day, local_hour FROM events {} ORDER BY event_id"
    assert con.sql(asked.format("")).pl().equals(warehouse.frame(asked.format("JOIN players USING (player_key)")))


def test_straight_ingest_adds_up_the_same_player_days(warehouse: Warehouse, con: duckdb.DuckDBPyConnection) -> None:
    ours = warehouse.frame(
        """SELECT user_id, day, metric, sum(n)::BIGINT AS n, sum(sum) AS total, max(max) AS highest
           FROM player_days JOIN players USING (player_key) GROUP BY ALL"""
    )
    theirs = con.sql("FROM player_days").pl()
    for metric in (*COUNTS, "average_volume", "best_drill_score"):
        straight = {"average_volume": "volume_sum"}.get(metric, metric)
        kept = theirs.filter(pl.col(straight) > 0).select("user_id", "day", straight=straight)
        both = ours.filter(metric=metric).join(kept, on=["user_id", "day"], how="full", coalesce=True)
        value = "highest" if metric == "best_drill_score" else "total"
        assert both.height == kept.height > 0, metric
        assert both.select((pl.col(value) - pl.col("straight")).abs().max()).item() < 1e-9, metric


def test_straight_features_are_the_features(warehouse: Warehouse, con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE snapshots AS SELECT DISTINCT user_id, DATE '{NEXT}' AS base_day
            FROM player_days WHERE actions > 0 AND day BETWEEN DATE '{NEXT}' - 28 AND DATE '{NEXT}' - 1"""
    )
    theirs = con.sql(features_sql()).pl()
    known = Known(warehouse, make_night(warehouse, load_app("trading").app, NEXT, NOW, dt.timedelta(hours=3)))
    with known.lend(asked=theirs.select("user_id", "base_day")):
        snapshots = known.frame("SELECT player_key, base_day, user_id FROM asked JOIN players USING (user_id)")
    ours = snapshots.join(compute_features(known, snapshots), on=["player_key", "base_day"]).sort("user_id")
    names = [name for name in theirs.columns if name.rpartition("__")[0] in MEASURED or "__" not in name]
    names = [name for name in names if name not in {"user_id", "base_day"}]
    assert len(names) > 150
    for name in names:
        off = (theirs[name].cast(pl.Float64).fill_null(-1) - ours[name].fill_null(-1)).abs() / (
            1 + ours[name].fill_null(0).abs()
        )
        assert off.max() < 1e-5, name


def test_straight_night_gives_the_same_badges_at_the_same_events(
    home: Path, warehouse: Warehouse, con: duckdb.DuckDBPyConnection
) -> None:
    asked = "SELECT user_id, badge_id, granted_at, event_id FROM {} ORDER BY user_id, badge_id"
    ours = warehouse.frame(asked.format("badge_ledger JOIN players USING (player_key)"))
    assert ours.height > 100
    assert con.sql(asked.format("badges")).pl().equals(ours)
    new = pl.read_parquet(home / "straight" / NEXT.isoformat() / "badges.parquet")
    assert 0 < new.height < ours.height / 2, "the next night finds what is new"


def test_straight_night_says_who_plays_as_nightquest_does(home: Path) -> None:
    ours = pl.read_parquet(home / "published" / "trading" / NEXT.isoformat() / "scores.parquet")
    ours = ours.filter(task="plays", horizon_days=1).select("user_id", "probability")
    theirs = pl.read_parquet(home / "straight" / NEXT.isoformat() / "scores.parquet").filter(window_days=1)
    both = ours.join(theirs, on="user_id")
    assert both.height == ours.height > 50
    assert both.select(pl.corr("probability", "p_plays", method="spearman")).item() > 0.7
    assert both.select((pl.col("probability").mean() - pl.col("p_plays").mean()).abs()).item() < 0.1


def test_straight_night_writes_challenges_with_fair_chances(home: Path) -> None:
    rows = pl.read_parquet(home / "straight" / NEXT.isoformat() / "challenges.parquet")
    assert rows["chance"].is_between(0.25, 0.85).all()
    assert rows.group_by("user_id").len()["len"].max() == 3
