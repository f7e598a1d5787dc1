import datetime as dt
import errno
import hashlib
import io
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from configs.commands import command
from configs.errors import NightquestError
from pipelines.publish.disk import Disk
from pipelines.publish.parquet import write_table
from pipelines.publish.publish import publish_night
from pipelines.publish.published import previous_night, published_nights, read_latest, verify_published
from pipelines.publish.rows import PLAYERS_AT_A_TIME
from pipelines.publish.stage import staged
from pipelines.publish.tables import published_tables
from tests.pipelines.publish.night_rows import AS_OF, USER_IDS, xp_entry
from tests.pipelines.publish.nights import (
    YESTERDAY,
    audit_and_publish,
    audited,
    issue,
    make_night,
    played_warehouse,
    publish_tables,
    put,
    tables_of,
)


class Killed(BaseException):
    """The process is gone: nothing after it runs, not even what cleans up."""


class FailingDisk(Disk):
    """The real disk, until operation number `at`: a write stops halfway, anything else does not happen."""

    def __init__(self, at: int, failure: BaseException) -> None:
        self.at, self.failure, self.done = at, failure, 0

    def _count(self) -> None:
        self.done += 1
        dead = isinstance(self.failure, Killed) and self.done > self.at
        if self.done == self.at or dead:
            raise self.failure

    def make_folder(self, folder):
        self._count()
        super().make_folder(folder)

    def write(self, path, fill):
        try:
            self._count()
        except BaseException:
            fill(whole := io.BytesIO())
            path.write_bytes(whole.getvalue()[: whole.tell() // 2])
            raise
        super().write(path, fill)

    def move(self, old, new):
        self._count()
        super().move(old, new)

    def remove(self, path):
        self._count()
        super().remove(path)

    def sync(self, folder):
        self._count()
        super().sync(folder)


@pytest.fixture(name="nights", scope="module")
def _nights(tmp_path_factory):
    """What publishes yesterday, today, and today's second revision: (tables, night, report) each."""
    home = tmp_path_factory.mktemp("none")
    with played_warehouse() as warehouse:
        issue(warehouse, YESTERDAY)
        yesterday = make_night(YESTERDAY)
        first = audited(warehouse, yesterday, home)
        issue(warehouse)
        today, refreshed = make_night(), make_night(revision=2)
        second = audited(warehouse, today, home)
        put(warehouse, "xp_ledger", xp_entry(3, AS_OF))
        third = audited(warehouse, refreshed, home)
    return [
        (tables, night, report) for (tables, report), night in ((first, yesterday), (second, today), (third, refreshed))
    ]


def publish(nights, index: int, home: Path, disk: Disk | None = None):
    tables, night, report = nights[index]
    return publish_tables(tables, night, home, report, disk)


def files(root: Path) -> dict[str, str]:
    """Every published file under a folder, or under its published/, and its checksum."""
    root = root / "published" if (root / "published").is_dir() else root
    found = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def times(home: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (home / "published").rglob("*") if path.is_file()}


def test_a_night_is_one_parquet_file_a_table_a_manifest_and_a_pointer(nights, tmp_path):
    publication = publish(nights, 1, tmp_path)
    assert publication.changed
    assert publication.folder == tmp_path / "published" / "toy" / "2024-01-10"
    names = {path.name for path in publication.folder.iterdir()}
    assert names == {"manifest.json", *(f"{name}.parquet" for name in published_tables())}
    latest = json.loads((publication.folder.parent / "latest.json").read_text())
    assert (latest["folder"], latest["as_of"], latest["revision"]) == ("2024-01-10", "2024-01-10", 1)


def test_what_is_read_back_is_what_was_published(nights, tmp_path):
    publish(nights, 1, tmp_path)
    out = read_latest(tmp_path, "toy")
    for name, frame in nights[1][0].items():
        assert out.table(name).equals(frame)
        assert out.manifest.tables[name].rows == frame.height
    assert set(out.table("profiles")["user_id"]) == set(USER_IDS)
    assert out.manifest.generated_at == nights[1][1].started_at


def test_publishing_again_says_unchanged_and_touches_nothing(nights, tmp_path):
    publish(nights, 1, tmp_path)
    before, stamped = files(tmp_path), times(tmp_path)
    assert not publish(nights, 1, tmp_path).changed
    assert (files(tmp_path), times(tmp_path)) == (before, stamped)


def test_another_run_in_another_home_gives_the_same_bytes_however_few_players_are_asked_for_at_a_time(
    tmp_path, monkeypatch
):
    for home, players in ((tmp_path / "a", PLAYERS_AT_A_TIME), (tmp_path / "b", 1)):
        monkeypatch.setattr("pipelines.publish.rows.PLAYERS_AT_A_TIME", players)
        with played_warehouse() as warehouse:
            issue(warehouse)
            audit_and_publish(warehouse, make_night(), home)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_bytes_do_not_depend_on_the_pieces_that_a_table_comes_in(nights, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.publish.parquet.AT_A_TIME", 4)
    for whole in (nights[1][0]["targets"], nights[1][0]["challenges"]):
        cuts = {"one": [whole], "two": [whole[:3], whole[3:]], "many": list(whole.iter_slices(1))}
        files = {name: write_table(Disk(), tmp_path / "a.parquet", iter(cut)) for name, cut in cuts.items()}
        assert files["one"] == files["two"] == files["many"]
        assert files["one"].sha256 == hashlib.sha256((tmp_path / "a.parquet").read_bytes()).hexdigest()
        assert pl.read_parquet(tmp_path / "a.parquet").equals(whole)


def failing_points(nights, index: int, base: Path, failure: BaseException) -> int:
    """How many operations the publication takes; what was out before lies beside, for copies.

    The failure beyond the last operation never happens.
    """
    disk = FailingDisk(10_000, failure)
    for earlier in range(index):
        publish(nights, earlier, base)
    shutil.copytree(base, base.with_name("before"))
    publish(nights, index, base, disk)
    return disk.done


@pytest.mark.parametrize("index", [1, 2], ids=["new night", "new revision"])
def test_killed_once_or_twice_at_any_operation_readers_have_a_whole_night_and_a_rerun_ends_the_same(
    nights, tmp_path, index
):
    operations = failing_points(nights, index, tmp_path / "calm", Killed())
    wanted = files(tmp_path / "calm")
    assert operations > 2 * len(published_tables())
    expected = {(night.as_of, night.revision): tables for tables, night, _ in nights[index - 1 : index + 1]}
    seen = set()
    for at in range(1, operations + 1):
        home = shutil.copytree(tmp_path / "before", tmp_path / str(at))
        with pytest.raises(Killed):
            publish(nights, index, home, FailingDisk(at, Killed()))
        out = read_latest(home, "toy")  # verifies every checksum
        seen.add((out.manifest.as_of, out.manifest.revision))
        assert all(
            out.table(name).equals(frame) for name, frame in expected[out.manifest.as_of, out.manifest.revision].items()
        )
        with suppress(Killed):
            publish(nights, index, home, FailingDisk(operations - at + 1, Killed()))
        assert (read_latest(home, "toy").manifest.as_of, read_latest(home, "toy").manifest.revision) in expected
        publish(nights, index, home)
        assert files(home) == wanted
        assert {path.name for path in (home / "published" / "toy").iterdir()} == {name.split("/")[1] for name in wanted}
    assert seen == set(expected)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "file system .* is full: the night of"),
        (errno.EDQUOT, "your quota is used up: the night of"),
        (errno.EACCES, "denied"),
        (errno.EIO, "Input/output"),
    ],
)
def test_a_failing_disk_gives_one_clear_error_leaves_nothing_torn_and_keeps_the_night_before(
    nights, tmp_path, number, words
):
    failure = OSError(number, os.strerror(number))
    operations = failing_points(nights, 1, tmp_path / "calm", failure)
    wanted = files(tmp_path / "calm")
    for at in range(1, operations + 1, 1 if number == errno.ENOSPC else 7):
        home = shutil.copytree(tmp_path / "before", tmp_path / str(at))
        with pytest.raises(NightquestError, match=words) as error:
            publish(nights, 1, home, FailingDisk(at, failure))
        assert error.value.remedy
        out = read_latest(home, "toy")
        assert out.manifest.as_of in {YESTERDAY, AS_OF}
        left = {path.name for path in (home / "published" / "toy").iterdir()}
        assert left <= {"2024-01-09", "2024-01-10", "latest.json", ".staging-2024-01-10"}
        publish(nights, 1, home)
        assert files(home) == wanted


def test_what_could_not_be_moved_is_tried_again_as_it_was_staged(nights, tmp_path):
    tables, night, report = nights[1]
    publish(nights, 0, tmp_path)
    with staged(tables_of(tables), night, tmp_path) as out:
        pass
    for at in (1, 2):
        with pytest.raises(NightquestError, match="Input/output"):
            publish_night(out.night, tmp_path, report, FailingDisk(at, OSError(errno.EIO, os.strerror(errno.EIO))))
    assert publish_night(out.night, tmp_path, report).changed
    assert read_latest(tmp_path, "toy").manifest == out.night.manifest
    assert not publish_night(out.night, tmp_path, report).changed


def test_a_large_table_is_on_the_disk_before_its_last_rows_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.publish.parquet.AT_A_TIME", 2_000)
    path, sizes = tmp_path / "a.parquet", []

    def pieces():
        for n in range(60):
            part = path.with_name("a.parquet.part")
            sizes.append(part.stat().st_size if part.exists() else 0)
            yield pl.DataFrame({"text": [hashlib.sha256(f"{n} {k}".encode()).hexdigest() for k in range(2_000)]})

    written = write_table(Disk(), path, pieces())
    assert written.rows == 120_000
    assert sizes[-1] > written.bytes / 2


def test_a_full_disk_before_the_night_is_in_place_frees_what_it_had_written(nights, tmp_path):
    publish(nights, 0, tmp_path)
    before = files(tmp_path)
    with pytest.raises(NightquestError, match="readers keep the one before"):
        publish(nights, 1, tmp_path, FailingDisk(12, OSError(errno.ENOSPC, "full")))
    assert files(tmp_path) == before


def test_a_place_that_cannot_hold_a_folder_is_named(nights, tmp_path):
    (tmp_path / "published").write_text("a file, not a folder")
    with pytest.raises(NightquestError, match=str(tmp_path / "published")):
        publish(nights, 1, tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_named(nights, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(NightquestError, match="permission denied"):
        publish(nights, 1, tmp_path)


def test_a_new_revision_leaves_the_old_one_as_it_was_for_those_still_reading_it(nights, tmp_path):
    publish(nights, 1, tmp_path)
    reader = read_latest(tmp_path, "toy")
    before = files(reader.folder)
    publish(nights, 2, tmp_path)
    assert files(reader.folder) == before
    assert read_latest(tmp_path, "toy").folder.name == "2024-01-10.r2"
    assert verify_published(tmp_path, "toy", AS_OF).manifest.revision == 2
    assert reader.table("xp_ledger").height + 1 == read_latest(tmp_path, "toy").table("xp_ledger").height


def test_a_past_night_published_late_does_not_move_latest_back(nights, tmp_path):
    publish(nights, 1, tmp_path)
    assert publish(nights, 0, tmp_path).changed
    assert read_latest(tmp_path, "toy").manifest.as_of == AS_OF
    assert verify_published(tmp_path, "toy", YESTERDAY).manifest.as_of == YESTERDAY
    assert [(day, revision) for day, revision, _ in published_nights(tmp_path, "toy")] == [(YESTERDAY, 1), (AS_OF, 1)]


def test_the_night_before_is_the_newest_earlier_one_in_its_last_revision(nights, tmp_path):
    assert previous_night(tmp_path, "toy", AS_OF) is None
    for index in range(3):
        publish(nights, index, tmp_path)
    assert previous_night(tmp_path, "toy", AS_OF).manifest.as_of == YESTERDAY
    assert previous_night(tmp_path, "toy", AS_OF + dt.timedelta(days=5)).manifest.revision == 2


def test_other_content_under_the_same_revision_is_refused_and_the_published_night_stays(nights, tmp_path):
    publish(nights, 1, tmp_path)
    before = files(tmp_path)
    tables, night, report = nights[1]
    with pytest.raises(NightquestError, match=r"other content: segments differ.*--refresh"):
        publish_tables({**tables, "segments": tables["segments"].head(2)}, night, tmp_path, report)
    assert files(tmp_path) == before


def spoil_bytes(folder: Path) -> None:
    path = folder / "challenges.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "a flipped bit": spoil_bytes,
    "a missing file": lambda folder: (folder / "scores.parquet").unlink(),
    "a cut file": lambda folder: os.truncate(folder / "targets.parquet", 10),
    "a missing manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a manifest that is not one": lambda folder: (folder / "manifest.json").write_text("{}"),
    "another manifest": lambda folder: (folder / "manifest.json").write_text(
        (folder / "manifest.json").read_text().replace('"seed": 7', '"seed": 8')
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_by_the_reader(nights, tmp_path, damage):
    DAMAGE[damage](publish(nights, 1, tmp_path).folder)
    with pytest.raises(NightquestError, match="is damaged") as error:
        read_latest(tmp_path, "toy")
    assert command("nightly", "--as-of", "2024-01-10", app="toy") in error.value.remedy


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "another manifest"])
def test_publishing_a_damaged_night_again_makes_it_whole(nights, tmp_path, damage):
    folder = publish(nights, 1, tmp_path).folder
    before = files(tmp_path)
    DAMAGE[damage](folder)
    assert publish(nights, 1, tmp_path).changed
    assert files(tmp_path) == before


def test_a_pointer_out_of_its_folder_is_not_followed(nights, tmp_path):
    publish(nights, 1, tmp_path)
    path = tmp_path / "published" / "toy" / "latest.json"
    path.write_text(path.read_text().replace('"2024-01-10"', '"../../secret"'))
    with pytest.raises(NightquestError, match=r"latest\.json is damaged"):
        read_latest(tmp_path, "toy")


def test_a_lost_pointer_comes_back_with_the_next_publication(nights, tmp_path):
    publish(nights, 1, tmp_path)
    (tmp_path / "published" / "toy" / "latest.json").unlink()
    assert publish(nights, 0, tmp_path).changed
    assert read_latest(tmp_path, "toy").manifest.as_of == AS_OF


def test_asking_for_what_is_not_published_says_what_to_run(tmp_path):
    with pytest.raises(NightquestError, match=re.escape(command("nightly", app="toy"))):
        read_latest(tmp_path, "toy")
    with pytest.raises(NightquestError, match="--as-of 2024-01-10"):
        verify_published(tmp_path, "toy", AS_OF)
