"""Rows that lie on the disk are the rows that were laid, however they are asked for, and leave nothing behind."""

import pickle
from functools import partial

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.engines.buckets import Buckets, bucket_of
from pipelines.engines.laid import Laid, beside, each_part, laid, parts, together, whole

ROWS = pl.DataFrame(
    {
        "player_key": [5, 5, 1, 9, 2, 2, 7],
        "value": [0.5, None, 1.5, 2.5, 3.5, 4.5, 5.5],
        "also": [None, [], [{"metric": "wins", "target": 1.0}], None, None, [], None],
        "cohort": pl.Series(["a", "b", "a", "a", "b", "b", "a"], dtype=pl.Enum(["a", "b"])),
    }
)


@pytest.fixture(name="lying")
def _lying(tmp_path):
    return Laid.cut(ROWS, ROWS.select(bucket_of(3)).to_series(), tmp_path)


def test_rows_are_told_as_the_frame_would_tell_them(lying):
    some = pl.Series("player_key", [7, 1, 5])
    assert lying.of(some).equals(ROWS.filter(pl.col("player_key").is_in(some.implode())))
    assert lying.of(some.clear()).equals(ROWS.clear())
    doubled = ("player_key", pl.col("value") * 2)
    assert lying.select(*doubled, of="cohort").equals(ROWS.select(*doubled, of="cohort"))
    assert lying.filter(pl.col("value") > 2).equals(ROWS.filter(pl.col("value") > 2))
    assert lying.at(pl.Series([6, 0, 3])).equals(ROWS[[6, 0, 3]])
    assert pl.concat(lying.parts()).sort("player_key", "value").equals(ROWS.sort("player_key", "value"))
    assert lying.players.to_list() == [5, 1, 9, 2, 7]
    assert (lying.columns, lying.height) == (ROWS.columns, ROWS.height)


def test_rows_go_along_to_another_process(lying):
    again = pickle.loads(pickle.dumps(lying))  # noqa: S301 (our own)
    assert again.of(lying.players).equals(ROWS)
    assert [part.height for part in again.parts()] == [part.height for part in lying.parts()]


def test_no_file_is_left_behind_and_what_cannot_be_written_is_told(lying, tmp_path):
    assert not list(tmp_path.iterdir()), "a killed night would leave what players did behind"
    with pytest.raises(NightquestError, match="cannot be kept") as told:
        Laid.cut(ROWS, ROWS.select(bucket_of(2)).to_series(), tmp_path / "gone")
    assert "Mend what forbids it" in str(told.value.remedy)


def test_only_rows_of_several_buckets_leave_memory(tmp_path):
    assert isinstance(Buckets(count=2, folder=tmp_path).lay(ROWS), Laid)
    assert isinstance(Buckets(count=1, folder=tmp_path).lay(ROWS), pl.DataFrame)
    assert isinstance(Buckets(count=2).lay(ROWS), pl.DataFrame)


def test_rows_are_laid_where_there_are_more_than_a_part(tmp_path):
    lying = laid(ROWS, tmp_path, 3)
    assert isinstance(lying, Laid)
    assert [part.height for part in parts(lying)] == [3, 3, 1]
    assert whole(lying).equals(ROWS)
    assert laid(lying, tmp_path, 3) is lying
    assert laid(ROWS, tmp_path, ROWS.height) is ROWS
    assert [part.height for part in parts(ROWS)] == [ROWS.height]


def test_what_is_cut_alike_is_put_together_part_by_part(lying):
    told = pl.DataFrame({"player_key": [9, 5, 9], "value": [1.0, 2.0, 3.0]}).with_columns(
        kind=pl.Series(["a", "b", "a"], dtype=pl.Categorical())
    )
    double = partial(pl.DataFrame.with_columns, value=pl.col("value") * 2)
    for frame in (lying, ROWS):
        other = frame.cut_like_this(told) if isinstance(frame, Laid) else told
        both = together([other, each_part(other, double), other])
        rows = pl.concat([told, double(told), told])
        assert pl.concat(parts(both)).sort("player_key", "value").equals(rows.sort("player_key", "value"))
        more = beside(frame, pl.DataFrame({"place": range(ROWS.height)}))
        assert whole(more).equals(ROWS.with_columns(place=pl.Series(range(ROWS.height))))
    where = [part["player_key"].unique().sort().to_list() for part in lying.parts()]
    assert [set(part["player_key"]) for part in lying.cut_like_this(told).parts()] == [{9, 5} & set(of) for of in where]


def test_a_bucket_is_worked_on_with_its_own_rows(tmp_path, lying):
    by = Buckets(count=3, folder=tmp_path)
    done = by.each(_with_mine, (), (lying, ROWS, lying))
    assert done.sort("player_key", "value").equals(ROWS.sort("player_key", "value"))


def _with_mine(first: pl.DataFrame, second: pl.DataFrame, third: pl.DataFrame) -> pl.DataFrame:
    assert first.equals(second)
    assert first.equals(third)
    return first
