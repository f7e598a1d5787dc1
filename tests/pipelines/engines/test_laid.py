"""Rows that lie on the disk are the rows that were laid, however they are asked for, and leave nothing behind."""

import pickle

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.engines.buckets import Buckets, bucket_of
from pipelines.engines.laid import Laid

ROWS = pl.DataFrame(
    {
        "player_key": [5, 5, 1, 9, 2, 2, 7],
        "value": [0.5, None, 1.5, 2.5, 3.5, 4.5, 5.5],
        "also": [None, [], [{"metric": "wins", "target": 1.0}], None, None, [], None],
        "cohort": pl.Series(["a", "b", "a", "a", "b", "b", "a"], dtype=pl.Enum(["a", "b"])),
    }
)


@pytest.fixture(name="laid")
def _laid(tmp_path):
    return Laid.cut(ROWS, ROWS.select(bucket_of(3)).to_series(), tmp_path)


def test_rows_are_told_as_the_frame_would_tell_them(laid):
    some = pl.Series("player_key", [7, 1, 5])
    assert laid.of(some).equals(ROWS.filter(pl.col("player_key").is_in(some.implode())))
    assert laid.of(some.clear()).equals(ROWS.clear())
    doubled = ("player_key", pl.col("value") * 2)
    assert laid.select(*doubled, of="cohort").equals(ROWS.select(*doubled, of="cohort"))
    assert laid.filter(pl.col("value") > 2).equals(ROWS.filter(pl.col("value") > 2))
    assert laid.at(pl.Series([6, 0, 3])).equals(ROWS[[6, 0, 3]])
    assert pl.concat(laid.parts()).sort("player_key", "value").equals(ROWS.sort("player_key", "value"))
    assert laid.players.to_list() == [5, 1, 9, 2, 7]
    assert (laid.columns, laid.height) == (ROWS.columns, ROWS.height)


def test_rows_go_along_to_another_process(laid):
    again = pickle.loads(pickle.dumps(laid))  # noqa: S301 (our own)
    assert again.of(laid.players).equals(ROWS)
    assert [part.height for part in again.parts()] == [part.height for part in laid.parts()]


def test_no_file_is_left_behind_and_a_full_disk_is_told_of(laid, tmp_path):
    assert not list(tmp_path.iterdir()), "a killed night would leave what players did behind"
    with pytest.raises(NightquestError, match="cannot be kept") as told:
        Laid.cut(ROWS, ROWS.select(bucket_of(2)).to_series(), tmp_path / "gone")
    assert "Free disk space" in str(told.value.remedy)


def test_only_rows_of_several_buckets_leave_memory(tmp_path):
    assert isinstance(Buckets(count=2, folder=tmp_path).lay(ROWS), Laid)
    assert isinstance(Buckets(count=1, folder=tmp_path).lay(ROWS), pl.DataFrame)
    assert isinstance(Buckets(count=2).lay(ROWS), pl.DataFrame)


def test_a_bucket_is_worked_on_with_its_own_rows(tmp_path, laid):
    by = Buckets(count=3, folder=tmp_path)
    done = by.each(_with_mine, (), (laid, ROWS, laid))
    assert done.sort("player_key", "value").equals(ROWS.sort("player_key", "value"))


def _with_mine(first: pl.DataFrame, second: pl.DataFrame, third: pl.DataFrame) -> pl.DataFrame:
    assert first.equals(second)
    assert first.equals(third)
    return first
