"""Work in buckets: the same rows whoever does it, and what an engine cannot do is done here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from configs.errors import NightquestError
from configs.settings import Settings
from pipelines import engines
from pipelines.engines import buckets as room
from pipelines.engines import buckets_of, workers
from pipelines.engines.buckets import HERE, Buckets
from tests.pipelines.engines.work import NOBODY, PLAYERS, doubled


def begun(folder: Path, name: str) -> list[int]:
    """The processes that began a piece of work."""
    return [int(path.name.split("-")[1]) for path in folder.glob(f"{name}-*")]


def until(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not come() and time.monotonic() < deadline:
        time.sleep(0.02)


def killed_once(folder: Path, parent: int, players: pl.DataFrame) -> pl.DataFrame:
    """Kills the worker of player 7 while another bucket is in hand, which waits for player 7 to be begun again."""
    name = "killed" if 7 in players["player_key"] else "other"
    (folder / f"{name}-{os.getpid()}").touch()
    until(lambda: bool(begun(folder, "other")))
    if name == "other":
        until(lambda: len(begun(folder, "killed")) == 2)
    elif len(begun(folder, "killed")) == 1 and os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return players


def dies_in_workers(parent: int, players: pl.DataFrame) -> pl.DataFrame:
    """Kills every worker that has player 7."""
    if 7 in players["player_key"] and os.getpid() != parent:
        os._exit(9)
    return players.with_columns(process=os.getpid())


def fails(players: pl.DataFrame) -> pl.DataFrame:
    raise NightquestError(f"Player {players['player_key'].min()} is wrong.")


def settings(tmp_path: Path, **told: object) -> Settings:
    return Settings(home=tmp_path, **told)


@pytest.mark.parametrize("count", [1, 2, 7, 300], ids="{} buckets".format)
def test_buckets_hold_every_player_once_and_empty_ones_do_no_harm(tmp_path, count):
    done = buckets_of(settings(tmp_path, buckets=count)).each(doubled, (2,), (PLAYERS, NOBODY))
    assert_frame_equal(done.sort("player_key").drop("process"), PLAYERS.with_columns(pl.col("points") * 2))


def both(players: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    return players.join(kept, on="player_key", how="left", maintain_order="left")


class Elsewhere:
    """Rows that are read for some players; tells whom it was asked of."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def of(self, players: pl.Series) -> pl.DataFrame:
        self.asked.append(players.to_list())
        return pl.DataFrame({"player_key": players, "doubled": players * 2})


@pytest.mark.parametrize("count", [1, 4], ids="{} buckets".format)
def test_rows_that_lie_elsewhere_are_read_for_the_players_of_a_bucket(tmp_path, count):
    kept = Elsewhere()
    done = buckets_of(settings(tmp_path, buckets=count)).each(both, (), (PLAYERS, kept))
    assert done.sort("player_key")["doubled"].to_list() == [2 * key for key in range(200)]
    assert len(kept.asked) == count
    assert sorted(key for keys in kept.asked for key in keys) == list(range(200))
    with pytest.raises(TypeError, match="who the players are"):
        HERE.each(both, (), (kept, PLAYERS))


def test_a_player_stays_in_the_bucket_whoever_else_there_is():
    alone = PLAYERS.filter(pl.col("player_key") % 3 == 0).with_columns(bucket=room.bucket_of(16))
    among = PLAYERS.with_columns(bucket=room.bucket_of(16))
    assert_frame_equal(alone, among.filter(pl.col("player_key") % 3 == 0))
    assert among["bucket"].n_unique() == 16


def test_few_players_are_one_bucket_and_many_as_many_as_memory_likes(tmp_path, monkeypatch):
    asked = []

    def work(players):
        asked.append(players.height)
        return players

    HERE.each(work, (), (PLAYERS,))
    assert asked == [200]
    monkeypatch.setattr(room, "PLAYERS_A_BUCKET", 30)
    asked.clear()
    buckets_of(settings(tmp_path)).each(work, (), (PLAYERS,))
    assert len(asked) == 7
    assert sum(asked) == 200


def test_a_bucket_whose_worker_is_killed_is_done_again_alone_while_the_other_in_hand_goes_on(tmp_path):
    by = buckets_of(settings(tmp_path, engine="processes", workers=2, buckets=2))
    done = by.each(killed_once, (tmp_path, os.getpid()), (PLAYERS,))
    assert_frame_equal(done.sort("player_key"), PLAYERS)
    (other,), killed = begun(tmp_path, "other"), begun(tmp_path, "killed")
    assert len(killed) == 2
    assert len({os.getpid(), other, *killed}) == 4
    assert not by.notes


def test_a_bucket_that_kills_every_worker_is_named_and_left_to_this_process(tmp_path):
    by = buckets_of(settings(tmp_path, engine="processes", workers=1, buckets=6))
    done = by.each(dies_in_workers, (os.getpid(),), (PLAYERS,))
    assert_frame_equal(done.drop("process").sort("player_key"), PLAYERS)
    of_seven = 1 + PLAYERS.select(room.bucket_of(6)).to_series()[7]
    here = done.filter(process=os.getpid())["player_key"]
    assert set(here) == set(PLAYERS.filter(room.bucket_of(6) == of_seven - 1)["player_key"])
    (note,) = by.notes
    assert note == (
        f"The engine processes lost 3 workers one after the other with bucket {of_seven} in hand: where memory ran "
        "out, set more NIGHTQUEST_BUCKETS; what it left undone was worked on here."
    )


def test_what_the_work_itself_raises_is_raised(tmp_path):
    by = buckets_of(settings(tmp_path, engine="processes", workers=1, buckets=2))
    with pytest.raises(NightquestError, match=r"Player \d+ is wrong"):
        by.each(fails, (), (PLAYERS,))
    assert not by.notes


def test_a_worker_of_another_version_does_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "code_version", lambda: "0.0.1+other")  # as this process has it; its workers do not
    by = buckets_of(settings(tmp_path, engine="processes", workers=1, buckets=2))
    assert set(by.each(doubled, (1,), (PLAYERS, NOBODY))["process"]) == {os.getpid()}
    (note,) = by.notes
    assert "has a worker of version" in note
    assert "this is 0.0.1+other" in note


def test_engines_are_named_without_being_loaded():
    code = "import sys; from pipelines.engines import engine_names; print(engine_names(), 'polars' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['dask', 'local', 'processes'] False"


def test_a_new_engine_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "threads.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pipelines.engines.workers import Workers\n\n\n"
        "def workers(settings):\n    return Workers(lambda: ThreadPoolExecutor(2), 2)\n"
    )
    (tmp_path / "broken.py").write_text("import nothing_like_it\n")
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    assert {"threads", "broken"} <= set(engines.engine_names())
    by = buckets_of(settings(tmp_path, engine="threads"))
    assert by.each(doubled, (2,), (PLAYERS, NOBODY)).height == 200
    assert not by.notes
    by = buckets_of(settings(tmp_path, engine="broken"))
    assert set(by.each(doubled, (2,), (PLAYERS, NOBODY))["process"]) == {os.getpid()}
    (note,) = by.notes
    assert note.startswith("The engine broken cannot be used: ")
    assert "nothing_like_it" in note


def test_there_are_no_more_files_by_bucket_than_players():
    assert [Buckets(count=300).fix(players) for players in (45, 300, 0)] == [45, 300, 1]
