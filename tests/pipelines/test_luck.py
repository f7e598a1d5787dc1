"""The die that breaks ties and varies what is chosen."""

import datetime as dt

import polars as pl

from pipelines.luck import lot, luck

ROWS = pl.DataFrame(
    {
        "player_key": [1, 2, 1],
        "metric": ["solved", "solved", "points"],
        "day": [dt.date(2024, 5, 1), dt.date(2024, 5, 1), dt.date(2024, 5, 2)],
    }
)


def test_falls_as_it_always_fell():
    """Written down, so that no library's own hash can come in between: a new version must not change past nights."""
    assert ROWS.select(lot("player_key", "metric", "day", seed=7)).to_series().to_list() == [
        11935652994213411502,
        17327411206314855173,
        15473194032894998410,
    ]


def test_depends_on_every_column_and_on_the_seed():
    falls = ROWS.select(
        a=lot("player_key", "metric", "day", seed=7),
        b=lot("player_key", "metric", seed=7),
        c=lot("metric", "player_key", seed=7),
        d=lot("player_key", "metric", seed=8),
    )
    seen = [value for name in falls.columns for value in falls[name].to_list()]
    assert len(set(seen)) == len(seen)


def test_is_even_and_knows_nothing_of_its_neighbours():
    many = pl.DataFrame({"player_key": range(100_000), "metric": "solved"}).with_columns(
        u=luck("player_key", "metric", seed=1), v=luck("player_key", "metric", seed=2)
    )
    shares = many.group_by((pl.col("u") * 10).floor()).len()["len"]
    assert shares.len() == 10
    assert shares.min() > 9_700
    assert shares.max() < 10_300
    assert abs(many.select(pl.corr("u", "v")).item()) < 0.01
    assert abs(many.select(pl.corr("u", pl.col("u").shift())).item()) < 0.01


def test_same_rows_in_another_order_fall_the_same():
    shuffled = ROWS.reverse().with_columns(x=lot("player_key", "metric", seed=3)).reverse()
    assert shuffled["x"].to_list() == ROWS.select(lot("player_key", "metric", seed=3)).to_series().to_list()
