"""Rows by bucket as Parquet: whole or not there, a file for each bucket, read without the warehouse."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from data.partitions import partition_path, write_parquet, write_partitions
from data.warehouse import Warehouse, open_partition, open_warehouse, scratch
from data.whole_files import whole_file
from pipelines.engines.buckets import bucket_of

KILLED = """
import os, pathlib, sys
from data.whole_files import whole_file
with whole_file(pathlib.Path(sys.argv[1])) as part:
    part.write_text("half")
    os._exit(9)
"""


@pytest.fixture(name="warehouse", scope="module")
def _warehouse():
    with scratch() as warehouse:
        warehouse.run("CREATE TABLE done AS SELECT range % 7 AS bucket, range AS n FROM range(250_000)")
        yield warehouse


def lay(warehouse: Warehouse, folder: Path, count: int, order: str = "bucket, n") -> None:
    with warehouse.batches(f"FROM done WHERE bucket NOT IN (2, 6) ORDER BY {order}") as rows:
        write_partitions(rows, folder, "done", count)


def test_a_bucket_holds_its_rows_and_an_empty_one_is_there(warehouse, tmp_path):
    lay(warehouse, tmp_path, 7)
    for number in range(7):
        with open_partition({"done": partition_path(tmp_path, "done", number)}, 1) as one:
            rows = one.frame("FROM done")
        assert rows["n"].to_list() == ([] if number in {2, 6} else list(range(number, 250_000, 7)))
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(("count", "order"), [(3, "bucket"), (7, "n")], ids=["too few buckets", "out of order"])
def test_no_row_is_lost_in_silence(warehouse, tmp_path, count, order):
    with pytest.raises(ValueError, match="come out of order"):
        lay(warehouse, tmp_path, count, order)


def fill(part: Path) -> None:
    part.write_text("half")
    raise OSError(28, "disk is full")


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "rows.parquet"
    write_parquet(path, pl.DataFrame({"n": [1]}))
    with pytest.raises(OSError, match="disk is full"), whole_file(path) as part:
        fill(part)
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == 9
    assert pl.read_parquet(path)["n"].to_list() == [1]


def test_what_cannot_be_read_is_said_to_be_so(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    for name in ("torn", "missing"):
        with pytest.raises(OSError, match=name), open_partition({"done": tmp_path / f"{name}.parquet"}, 1):
            pass
    with pytest.raises(OSError, match="nowhere"):
        write_parquet(tmp_path / "nowhere" / "rows.parquet", pl.DataFrame({"n": [1]}))


def test_the_number_in_the_warehouse_and_the_bucket_of_a_frame_are_one_and_older_warehouses_get_it(tmp_path):
    keys = pl.DataFrame({"player_key": [*range(1, 2000), 2**40, 2**62 + 5]})
    names = keys.with_columns(user_id=pl.format("user{}", "player_key"))
    with open_warehouse(tmp_path, "toy") as warehouse:
        warehouse.run("ALTER TABLE players DROP COLUMN bucket")
        warehouse.run("DROP TABLE laid_out")
        warehouse.append("players", names)
    with open_warehouse(tmp_path, "toy") as warehouse:
        stored = warehouse.frame("SELECT player_key, bucket FROM players ORDER BY player_key")
    for count in (1, 6, 1024, 65_536):
        theirs = stored["bucket"].cast(pl.UInt64) % count
        assert theirs.equals(keys.select(bucket=bucket_of(count)).to_series())
    assert stored["bucket"].n_unique() > 1900
