"""The warehouse file: one writer, closed doors, all or nothing."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import psutil
import pytest

from configs.errors import BusyError, NightquestError
from data.memory import most_memory
from data.warehouse import Warehouse, open_warehouse, scratch, warehouse_path

HOLD = """
import sys, pathlib
from data.warehouse import open_warehouse
with open_warehouse(pathlib.Path(sys.argv[1]), "toy"):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_that_the_app_is_busy(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(BusyError) as caught, open_warehouse(tmp_path, "toy"):
            pass
        assert caught.value.exit_code == 3
        holder.communicate("")
    with open_warehouse(tmp_path, "toy") as warehouse:
        assert warehouse.value("SELECT count(*) FROM events") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "ATTACH 'other.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_sql_reaches_neither_files_nor_settings(sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with scratch() as warehouse, pytest.raises(duckdb.Error):
        warehouse.run(sql)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_transaction_leaves_nothing_and_the_next_one_works() -> None:
    rows = pl.DataFrame({"metric": ["a"], "agg": ["count"], "better": ["higher"], "version": ["1"]})
    with scratch() as warehouse:
        with pytest.raises(ZeroDivisionError):
            _append_and_fail(warehouse, rows)
        assert warehouse.value("SELECT count(*) FROM metrics") == 0
        with warehouse.transaction():
            warehouse.append("metrics", rows)
        assert warehouse.value("SELECT count(*) FROM metrics") == 1


def _append_and_fail(warehouse: Warehouse, rows: pl.DataFrame) -> None:
    with warehouse.transaction():
        with warehouse.transaction():
            warehouse.append("metrics", rows)
        raise ZeroDivisionError


def test_a_frame_that_is_lent_is_gone_afterwards() -> None:
    with scratch() as warehouse:
        with warehouse.lend(guest=pl.DataFrame({"x": [1]})):
            assert warehouse.value("SELECT x FROM guest") == 1
        with pytest.raises(duckdb.CatalogException):
            warehouse.value("SELECT x FROM guest")


def test_appending_tells_how_many_rows_are_new() -> None:
    row = {"player_key": [1, 2], "user_id": ["a", "b"]}
    with scratch() as warehouse:
        assert warehouse.append("players", pl.DataFrame(row)) == 2
        more = pl.DataFrame({"player_key": [2, 3], "user_id": ["b", "c"]})
        assert warehouse.append("players", more, on_conflict_skip=True) == 1


def test_times_are_utc_whatever_the_machine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    with scratch() as warehouse:
        noon = warehouse.value("SELECT TIMESTAMPTZ '2024-07-01 12:00:00+02'")
    assert noon.astimezone(dt.UTC) == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)


def test_a_damaged_file_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    path = warehouse_path(tmp_path, "toy")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(NightquestError) as caught, open_warehouse(tmp_path, "toy"):
        pass
    assert str(path) in caught.value.message
    assert path.read_bytes() == b"not a database" * 1000


def test_a_home_that_is_a_file_is_a_plain_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(NightquestError), open_warehouse(home, "toy"):
        pass


def test_reading_data_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NightquestError) as caught, open_warehouse(tmp_path, "toy", read_only=True):
        pass
    assert "ingest" in caught.value.remedy
    assert not warehouse_path(tmp_path, "toy").exists()


@pytest.mark.parametrize("home", ["sqlite:home", "md:home", ":memory:", "-x", "~x"])
def test_a_home_is_a_folder_whatever_databases_read_into_its_name(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_warehouse(Path(home), "toy") as warehouse:
        warehouse.run("CREATE TABLE kept AS SELECT 1 AS one")
    assert (tmp_path / home / "warehouse" / "toy.duckdb").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [home]


def test_tables_are_laid_out_again_only_where_another_schema_did(tmp_path: Path) -> None:
    with open_warehouse(tmp_path, "toy") as warehouse:
        warehouse.run("DROP TABLE drifts")
    with open_warehouse(tmp_path, "toy") as warehouse:
        with pytest.raises(duckdb.CatalogException):
            warehouse.run("FROM drifts")
        warehouse.run("UPDATE laid_out SET schema = 'of before'")
    for _ in range(2):
        with open_warehouse(tmp_path, "toy") as warehouse:
            assert warehouse.value("SELECT count(*) FROM drifts") == 0


def test_warehouses_in_memory_know_nothing_of_each_other() -> None:
    with scratch() as one, scratch() as other:
        one.append("players", pl.DataFrame({"player_key": [1], "user_id": ["a"]}))
        one.run("CREATE TABLE raw_games AS SELECT 1 AS n")
        with other.transaction():
            assert other.append("players", pl.DataFrame({"player_key": [1], "user_id": ["a"]})) == 1
            with pytest.raises(duckdb.CatalogException):
                other.value("SELECT n FROM raw_games")
    with scratch() as later:
        assert later.value("SELECT count(*) FROM players") == 0
        with pytest.raises(duckdb.ConstraintException):
            later.append("players", pl.DataFrame({"player_key": [1, 1], "user_id": ["a", "a"]}))


def test_duckdb_gets_so_much_memory_and_no_more_than_the_machine_has(tmp_path, monkeypatch):
    for told, expected in (({}, "2.0 GiB"), ({"memory_gb": 0.5}, "512.0 MiB")):
        with open_warehouse(tmp_path, "toy", **told) as warehouse:
            assert warehouse.value("SELECT current_setting('memory_limit')") == expected
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2**30))
    assert most_memory() == 2**30 * 8 // 10


def test_what_was_read_is_let_go_but_for_a_sixteenth_and_may_be_read_again(tmp_path):
    held = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
    with open_warehouse(tmp_path, "toy") as warehouse:
        warehouse.run("CREATE TABLE many AS SELECT hash(range) AS value FROM range(3_000_000)")
        warehouse.run("CHECKPOINT")
    with open_warehouse(tmp_path, "toy", memory_gb=0.04) as warehouse:
        total = warehouse.value("SELECT bit_xor(value) FROM many")
        before = warehouse.value(held)
        warehouse.ease()
        assert warehouse.value(held) <= 0.0025 * 2**30 < before
        assert warehouse.value("SELECT current_setting('memory_limit')") == "40.9 MiB"
        assert warehouse.value("SELECT bit_xor(value) FROM many") == total
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            warehouse.run("SET threads = 2")


def test_within_a_transaction_what_was_read_is_let_go_too_and_its_own_rows_stay(tmp_path):
    held = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
    with open_warehouse(tmp_path, "toy", memory_gb=0.1) as warehouse:
        warehouse.run("CREATE TABLE many AS SELECT hash(range) AS value FROM range(5_000_000)")
        warehouse.run("CREATE TABLE named (name VARCHAR PRIMARY KEY)")
        warehouse.run("CHECKPOINT")
        with warehouse.transaction():
            warehouse.run("INSERT INTO named SELECT 'some longer name ' || range FROM range(200_000)")
            total = warehouse.value("SELECT bit_xor(value) FROM many")
            before = warehouse.value(held)
            warehouse.ease()  # into a sixteenth the keys of its own rows do not fit
            assert 0.1 / 16 * 2**30 < warehouse.value(held) <= 0.1 / 4 * 2**30 < before
            assert warehouse.value("SELECT current_setting('memory_limit')") == "102.3 MiB"
            assert warehouse.value("SELECT bit_xor(value) FROM many") == total
        assert warehouse.value("SELECT count(*) FROM named") == 200_000


def test_a_transaction_does_not_keep_what_was_lent_to_it(tmp_path):
    typed = {
        "a": [1, None],
        "b": ["x", None],
        "c": [[1.5], None],
        "d": [{"e": "f"}, None],
        "g": [dt.date(2024, 1, 2), None],
    }
    small = pl.DataFrame(typed).with_columns(h=pl.Series(["low", None], dtype=pl.Enum(["low"])))
    many, process = 5_000_000, psutil.Process()
    with open_warehouse(tmp_path, "toy") as warehouse:
        with warehouse.lend(small=small, none=small.clear()):
            outside = warehouse.frame("FROM small UNION ALL FROM none")
        with warehouse.transaction():
            with warehouse.lend(small=small, none=small.clear()):
                assert warehouse.frame("FROM small UNION ALL FROM none").equals(outside)
            before = process.memory_info().rss
            for first in range(6):
                with warehouse.lend(numbers=pl.select(n=pl.int_range(first, first + many))):
                    assert warehouse.value("SELECT max(n) - min(n) FROM numbers") == many - 1
            assert process.memory_info().rss - before < 3 * 8 * many


THREADS = "SELECT current_setting('threads')"


def test_a_small_warehouse_is_read_by_one_thread_unless_much_may_come_in_or_a_person_says_otherwise(tmp_path):
    with duckdb.connect() as con:
        ((every,),) = con.execute(THREADS).fetchall()
    told = [({}, 1), ({"grows": True}, every), ({"threads": 3}, 3), ({"threads": 3, "grows": True}, 3)]
    for given, expected in told:
        with open_warehouse(tmp_path, "toy", **given) as warehouse:
            assert warehouse.value(THREADS) == expected
    with warehouse_path(tmp_path, "toy").open("ab") as file:
        file.truncate(2**25)
    with open_warehouse(tmp_path, "toy") as warehouse:
        assert warehouse.value(THREADS) == every
