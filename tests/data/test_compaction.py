"""A warehouse written anew holds what it held, and is never torn: the old file or the new one, whole."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from configs.errors import BusyError, NightquestError
from data import compaction
from data.compaction import SUFFIX, compact_warehouse, free_share
from data.warehouse import open_warehouse, warehouse_path

ROWS = 300_000


@pytest.fixture(name="home")
def _home(tmp_path):
    """A home whose app 'it''s' has a warehouse of which most has been left behind."""
    with open_warehouse(tmp_path, "it's") as warehouse:
        warehouse.run(f"CREATE TABLE things AS SELECT range AS thing, hash(range) AS h FROM range({ROWS})")
        warehouse.run("CHECKPOINT")
        warehouse.run("DELETE FROM things WHERE thing >= 1000")
        warehouse.append("players", pl.DataFrame({"player_key": [1], "user_id": ["one"]}))
    return tmp_path


def held(home):
    with open_warehouse(home, "it's", read_only=True) as warehouse:
        tables = warehouse.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1")
        return {name: warehouse.frame(f'FROM "{name}"') for (name,) in tables}


def same(before, after):
    return before.keys() == after.keys() and all(frame.equals(after[name]) for name, frame in before.items())


def test_what_is_held_stays_and_what_is_free_goes(home):
    before, path = held(home), warehouse_path(home, "it's")
    path.chmod(0o640)
    assert free_share(home, "it's") > 0.3
    told = compact_warehouse(home, "it's")
    assert told.after == path.stat().st_size < told.before / 2
    assert free_share(home, "it's") == 0
    assert same(before, held(home))
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    with open_warehouse(home, "it's") as warehouse, pytest.raises(Exception, match="Constraint"):
        warehouse.append("players", pl.DataFrame({"player_key": [2], "user_id": ["one"]}))  # keys are keys still


@pytest.mark.parametrize("at", ["sync", "shutil.copymode", "Path.replace"])
def test_what_fails_on_the_way_leaves_the_old_one_as_it_was(home, monkeypatch, at):
    def fail(*_):
        raise OSError(28, "No space left on device")

    before, path = held(home), warehouse_path(home, "it's")
    owner, _, name = at.rpartition(".")
    monkeypatch.setattr({"": compaction, "shutil": compaction.shutil, "Path": Path}[owner], name, fail)
    with pytest.raises(NightquestError, match=r"file system /.* is full: the warehouse .* was not compacted\. Free"):
        compact_warehouse(home, "it's")
    monkeypatch.undo()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert same(before, held(home))


def test_what_a_killed_one_left_is_taken_away_by_the_next(home):
    before, path = held(home), warehouse_path(home, "it's")
    path.with_name(path.name + SUFFIX).write_bytes(b"half of it")
    compact_warehouse(home, "it's")
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert same(before, held(home))


def test_who_works_on_it_is_not_disturbed(home):
    code = (
        "import sys; from pathlib import Path; from data.warehouse import open_warehouse\n"
        "with open_warehouse(Path(sys.argv[1]), \"it's\"): print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdin=-1, stdout=-1) as other:
        assert other.stdout.readline()
        with pytest.raises(BusyError, match="Another process is working on 'it's'"):
            compact_warehouse(home, "it's")
        other.stdin.close()
    compact_warehouse(home, "it's")


def test_without_a_warehouse_nothing_is_made(tmp_path):
    with pytest.raises(NightquestError, match="There is no data for 'toy'"):
        compact_warehouse(tmp_path, "toy")
    assert not list(tmp_path.iterdir())
