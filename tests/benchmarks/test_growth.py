"""What the two histories of the growth benchmark share, and what its table tells."""

from pathlib import Path

import polars as pl

from tests.benchmarks.growth import table, write_histories


def test_the_short_history_is_the_end_of_the_long_one_and_the_new_day_is_in_neither(tmp_path: Path) -> None:
    write_histories(tmp_path / "histories", players=20, days=4)
    long, short, new = (
        pl.read_parquet(tmp_path / "histories" / f"{name}.parquet") for name in ("long", "short", "new_day")
    )
    since, until = short["occurred_at"].min(), long["occurred_at"].max()
    assert short.sort("event_id").equals(long.filter(pl.col("occurred_at") >= since).sort("event_id"))
    assert (
        3 < (until - since).total_seconds() / 86_400 <= 4 < (until - long["occurred_at"].min()).total_seconds() / 86_400
    )
    assert new["occurred_at"].min() > until


def test_a_stage_is_told_with_how_many_times_as_much_it_takes_after_the_long_history() -> None:
    found = {"short": {"plan": 4.0, "settle": 0.5}, "long": {"plan": 5.0, "settle": 0.75}}
    assert table(found).splitlines()[2:] == ["| plan | 4.00 s | 5.00 s | 1.25 |", "| settle | 0.50 s | 0.75 s | 1.50 |"]
