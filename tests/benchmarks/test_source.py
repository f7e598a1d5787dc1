"""The straight script of the clicks answers as the source does, or the ratio to it would say nothing."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from configs.loader import SOURCES, load_app
from data.warehouse import Warehouse, scratch
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics
from tests.benchmarks.source import DATA, write_tables
from tests.benchmarks.straight.clicks import ingest_clicks

SUMS = (
    *("page_visits", "clicks", "content_clicks", "forum_clicks", "quiz_clicks", "resource_clicks"),
    *("submitted", "passed", "distinctions"),
)


@pytest.mark.skipif(not DATA.exists(), reason=f"there is no {DATA}")
def test_straight_clicks_are_the_same_events_and_player_days(tmp_path: Path) -> None:
    write_tables(tmp_path / "tables", times=2, students=20)
    app, source = load_app("oulad").app, (SOURCES / "oulad.sql").read_text(encoding="utf-8")
    ingest_clicks(tmp_path / "courses.duckdb", tmp_path / "tables")
    with scratch() as warehouse, duckdb.connect(str(tmp_path / "courses.duckdb")) as con:
        sync_metrics(warehouse, app)
        now = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
        ingest_files(warehouse, app, [tmp_path / "tables"], now=now, history=True, source_sql=source)
        asked = "SELECT user_id, event, day, count(*) AS n FROM {} GROUP BY ALL ORDER BY ALL"
        ours = warehouse.frame(asked.format("events JOIN players USING (player_key)"))
        assert ours["n"].sum() > 5_000
        assert con.sql(asked.format("events")).pl().equals(ours)
        for metric in SUMS:
            assert con.execute(f"SELECT sum({metric})::DOUBLE FROM player_days").fetchone() == _total(warehouse, metric)
        keys = con.execute("SELECT count(*), count(*) FILTER (of_study) FROM player_day_keys").fetchone()
        assert keys == (_keys(warehouse, "pages"), _keys(warehouse, "study_pages"))


def _total(warehouse: Warehouse, metric: str) -> tuple[float]:
    return (warehouse.value("SELECT sum(sum) FROM player_days WHERE metric = $metric", {"metric": metric}),)


def _keys(warehouse: Warehouse, metric: str) -> int:
    return int(warehouse.value("SELECT count(*) FROM player_day_keys WHERE metric = $metric", {"metric": metric}))
