"""Rows that go through a shared folder are the same rows; a worker that has no use of it costs its bucket alone."""

import multiprocessing
import os
import re
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from configs.settings import Settings
from pipelines.engines import open_buckets, workers
from pipelines.engines.buckets import Buckets
from pipelines.engines.exchange import Exchange, LazyRows
from pipelines.engines.staff import Staff
from pipelines.engines.workers import EngineError, Workers
from tests.pipelines.engines.work import NOBODY, PLAYERS

FRAME = PLAYERS.with_columns(
    name=pl.format("é{}", "player_key"), day=pl.date(2026, 1, 1), some=pl.concat_list("points", "points")
)


def kept(players: pl.DataFrame, again: pl.DataFrame, none: pl.DataFrame) -> pl.DataFrame:
    assert none.is_empty()
    return players.join(again.select("player_key", more="points"), on="player_key", maintain_order="left")


def fills_the_disk(players: pl.DataFrame) -> pl.DataFrame:
    """The worker that has player 7 can write no more than 100 bytes into a file, from then on."""
    if 7 in players["player_key"] and multiprocessing.parent_process() is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    return players


def threads(folder: Path, count: int = 4) -> Buckets:
    folder.mkdir()
    return Buckets(
        count, "threads", lambda: Workers(lambda: ThreadPoolExecutor(2), 2), exchange=Exchange(folder, memory_gb=1)
    )


def settings(tmp_path: Path, **told: object) -> Settings:
    return Settings(home=tmp_path / "home", shared_folder=tmp_path / "shared", **told)


def test_rows_come_back_as_they_are_and_a_frame_is_written_once(tmp_path):
    by = threads(tmp_path / "night", 50)
    first, again = (by.each(kept, (), (FRAME, PLAYERS, NOBODY)) for _ in range(2))
    assert_frame_equal(first.sort("player_key"), FRAME.with_columns(more="points"))
    assert_frame_equal(first, again)
    assert len(list(by.exchange.folder.iterdir())) == 2 * 50  # of two frames; results are gone once read
    assert not by.notes


class Unreadable(LazyRows):
    def frame(self) -> pl.DataFrame:
        raise FileNotFoundError(2, "No such file or directory", "/mnt/elsewhere")


class OfOne:
    """Rows that the worker of player 7 cannot read."""

    def of(self, players: pl.Series) -> pl.DataFrame:
        return PLAYERS.filter(pl.col("player_key").is_in(players.implode()))

    def later(self, players: pl.Series, _number: int) -> LazyRows | None:
        return Unreadable() if 7 in players else None


def test_a_bucket_whose_worker_does_not_see_the_folder_is_done_here(tmp_path):
    by = threads(tmp_path / "night")
    done = by.each(kept, (), (FRAME, OfOne(), NOBODY))
    assert_frame_equal(done.sort("player_key"), FRAME.with_columns(more="points"))
    (note,) = by.notes
    assert note.startswith("A worker of the engine threads could not do its part, done here: ")
    assert "/mnt/elsewhere" in note


def its_process(players: pl.DataFrame) -> pl.DataFrame:
    return players.select("player_key", process=os.getpid())


def dies_of(process: int, players: pl.DataFrame) -> pl.DataFrame:
    if os.getpid() == process:
        os._exit(9)
    return players


class Loaded:
    """Leaves a file of the process's name where it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Path]) -> None:
        (state["folder"] / f"loaded-{os.getpid()}").touch()


def test_workers_load_ahead_and_stay_for_a_night_and_others_come_when_one_is_lost(tmp_path):
    told = Settings(home=tmp_path, engine="processes", workers=1, buckets=2)
    with open_buckets(told, "toy", Loaded(tmp_path)) as by:
        first, again = (by.each(its_process, (), (PLAYERS,))["process"].unique().to_list() for _ in range(2))
        assert first == again != [os.getpid()]
        assert [path.name for path in tmp_path.glob("loaded-*")] == [f"loaded-{first[0]}"]
        assert by.each(dies_of, tuple(first), (PLAYERS,)).height == PLAYERS.height
        others = by.each(its_process, (), (PLAYERS,))["process"].unique().to_list()
        assert others not in (first, [os.getpid()])
        assert not by.notes
    assert not {child.pid for child in multiprocessing.active_children()} & {*first, *others}


@pytest.mark.parametrize("gone", ["before", "when work begins"])
def test_workers_that_are_not_there_are_looked_for_once(gone):
    looked = []

    def look():
        looked.append(1)
        raise EngineError("has nobody")

    staff = Staff(look if gone == "before" else lambda: Workers(look, 2))
    staff.call_in(PLAYERS)
    by = Buckets(2, "toy", staff)
    assert all(by.each(kept, (), (PLAYERS, PLAYERS, NOBODY)).height == PLAYERS.height for _ in range(2))
    assert by.notes == ["The engine toy has nobody; what it left undone was worked on here."]
    assert len(looked) == 1


def test_workers_who_go_while_they_are_waited_for_are_not_waited_for_again(monkeypatch):
    monkeypatch.setattr(workers, "LOOK_S", 0.1)
    gone, looked = Event(), []

    def waits(players):
        assert gone.wait(60)
        return players

    def look():
        looked.append(1)
        gone.set()
        raise EngineError("has no workers")

    by = Buckets(6, "toy", Staff(lambda: Workers(lambda: ThreadPoolExecutor(2), 2, look)))
    assert all(by.each(waits, (), (PLAYERS,)).height == PLAYERS.height for _ in range(2))
    assert by.notes == ["The engine toy has no workers; what it left undone was worked on here."]
    assert len(looked) == 1


def test_what_a_worker_cannot_write_for_a_full_disk_comes_back_with_the_answer_and_one_note_says_so(tmp_path):
    with open_buckets(settings(tmp_path, engine="processes", workers=1, buckets=2), "toy") as by:
        assert_frame_equal(by.each(fills_the_disk, (), (PLAYERS,)).sort("player_key"), PLAYERS)
        assert not list((tmp_path / "shared").rglob("*.part"))
    (note,) = by.notes
    assert note.startswith(f"The shared folder {tmp_path}/shared/")
    assert re.search(r"cannot be written: the file system /\S* takes no file so large\. Rows were sent", note)


def test_a_folder_that_is_gone_is_left_for_the_rest_of_the_night(tmp_path):
    by = threads(tmp_path / "night")
    by.exchange.folder.rmdir()
    assert_frame_equal(
        by.each(kept, (), (FRAME, PLAYERS, NOBODY)).sort("player_key"), FRAME.with_columns(more="points")
    )
    (note,) = by.notes
    assert "cannot be written: No such file or directory" in note
    assert note.endswith("Rows were sent with the calls, and nothing is lost; mend it for the next night.")
    assert by.exchange is None


def test_a_night_leaves_nothing_and_removes_what_a_killed_one_left(tmp_path):
    told = settings(tmp_path)
    with open_buckets(told, "toy") as by:
        torn = by.exchange.folder.parent / "of-a-killed-night" / "rows.parquet"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"PAR1")
    other = tmp_path / "shared" / "other-app"
    other.mkdir()
    with open_buckets(told, "toy") as by:
        assert by.exchange.folder.is_dir()
        assert not torn.exists()
    assert list((tmp_path / "shared").iterdir()) == [other]


def test_without_the_folder_rows_are_sent_with_a_note(tmp_path):
    (tmp_path / "shared").write_text("a file")
    with open_buckets(settings(tmp_path), "toy") as by:
        assert by.exchange is None
    (note,) = by.notes
    assert note.startswith(f"The shared folder {tmp_path}/shared cannot be used: ")
