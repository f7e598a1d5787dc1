"""What a night was begun with is what it is ended with: its app file, kept whole, and what was wished for it."""

import datetime as dt
import shutil

import pytest

from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings
from configs.version import code_hash
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from pipelines.night.open_night import open_night
from pipelines.publish.published import read_manifest
from pipelines.words.wishes import NO_WISHES, Wishes
from tests.flows.world import START, bytes_under, write_app, write_events
from tests.pipelines.nights import context_of, now, serve_night

AS_OF = START + dt.timedelta(days=20)
BADGES = {"regular": {"title": "Regular", "tier": "bronze", "category": "habit", "when": "solved >= 30"}}
EDITS = {
    "badges": {"keen": {"title": "Keen", "tier": "bronze", "category": "habit", "when": "solved >= 3"}},
    "timezone": "Pacific/Auckland",
    "challenges": {"metrics": ["solved"], "windows": [2]},
    "voice": {"theme": "a library of riddles"},
}


@pytest.fixture(name="begun", scope="module")
def _begun(tmp_path_factory):
    """A folder with an app file and a home in which a night was pinned and then killed."""
    folder = tmp_path_factory.mktemp("begun")
    loaded, settings = load_app(str(write_app(folder, badges=BADGES))), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder)], history=True, players=False, now=now())
    with open_night(loaded, AS_OF, now(), context_of(settings)) as tonight:
        assert tonight.night.app_hash == loaded.hash
    return folder


@pytest.fixture(name="world")
def _world(begun, tmp_path):
    """(folder, settings): a copy of a test's own."""
    shutil.copytree(begun, tmp_path / "copy")
    return tmp_path / "copy", Settings(home=tmp_path / "copy" / "home")


def served(settings, loaded, wishes=NO_WISHES, **how):
    report = serve_night(settings, loaded, AS_OF, wishes, **how)
    return report, read_manifest(report.path)


def test_a_rerun_is_of_the_file_that_the_night_was_pinned_with_whatever_was_edited_since(world, tmp_path):
    folder, settings = world
    straight = shutil.copytree(folder, tmp_path / "straight")
    before = load_app(str(folder / "puzzles.yaml"))
    wanted, _ = served(Settings(home=straight / "home"), before)

    edited = load_app(str(write_app(folder, **EDITS)))
    report, manifest = served(settings, edited)
    assert manifest.app_hash == before.hash != edited.hash
    assert {name: data for name, data in bytes_under(report.path).items() if name.endswith(".parquet")} == {
        name: data for name, data in bytes_under(wanted.path).items() if name.endswith(".parquet")
    }
    (told,) = [note for note in report.notes if "edited since" in note]
    assert "--refresh" in told

    report, manifest = served(settings, edited, refresh=True)
    assert (manifest.revision, manifest.app_hash) == (2, edited.hash)
    assert not any("edited since" in note for note in report.notes)


def test_the_hash_covers_every_wish(world):
    folder, settings = world
    loaded = load_app(str(folder / "puzzles.yaml"))
    wishes = [
        Wishes(),
        Wishes(types=("daily_challenge",)),
        Wishes(types=("motivational_message",)),
        Wishes(mode="batch"),
        Wishes(provider="offline"),
        Wishes(max_cost_usd=0.5),
    ]
    hashes = []
    for each in wishes:
        with open_night(loaded, AS_OF, now(), context_of(settings, each), refresh=True) as tonight:
            hashes.append(tonight.night.app_hash)
    assert hashes[0] == loaded.hash
    assert len(set(hashes)) == len(wishes)


def test_a_rerun_keeps_what_was_wished_unless_it_is_wished_otherwise(world):
    folder, settings = world
    loaded = load_app(str(folder / "puzzles.yaml"))
    only = Wishes(types=("motivational_message",))
    with open_night(loaded, AS_OF, now(), context_of(settings, only), refresh=True) as tonight:
        wished = tonight.night.app_hash
    report, manifest = served(settings, loaded)
    assert manifest.app_hash == wished
    assert (manifest.tables["challenges"].rows, manifest.tables["messages"].rows > 0) == (0, True)
    assert any("with other wishes" in note for note in report.notes)

    with open_night(loaded, AS_OF, now(), context_of(settings, only), refresh=True):
        pass
    _, manifest = served(settings, loaded, Wishes(types=("daily_challenge",)))
    assert manifest.tables["challenges"].rows > 0
    assert manifest.app_hash not in {wished, loaded.hash}


def test_a_wish_alone_makes_no_file_that_was_edited_and_evaluates_no_badge_from_scratch(world):
    folder, settings = world
    loaded = load_app(str(folder / "puzzles.yaml"))
    served(settings, loaded, Wishes(types=("motivational_message",)))
    with open_night(loaded, AS_OF + dt.timedelta(days=1), now(), context_of(settings)) as tonight:
        assert tonight.night.file_hash == loaded.hash
        assert tonight.known.value("SELECT file_hash FROM nights WHERE as_of = $d", {"d": AS_OF}) == loaded.hash


def test_the_code_of_a_night_is_the_one_that_ran(world, monkeypatch):
    folder, settings = world
    loaded = load_app(str(folder / "puzzles.yaml"))
    monkeypatch.setattr("pipelines.night.open_night.code_version", lambda: "9.9.9+newer")
    _, manifest = served(settings, loaded)
    assert manifest.code_version == "9.9.9+newer"


def test_the_codes_hash_changes_with_any_file_of_it_and_with_nothing_else(tmp_path):
    (tmp_path / "data" / "sql").mkdir(parents=True)
    (tmp_path / "data" / "sql" / "a.sql").write_text("SELECT 1")
    first = code_hash(tmp_path)
    (tmp_path / "notes.md").write_text("not code")
    (tmp_path / "data" / "a.pyc").write_bytes(b"compiled")
    assert code_hash(tmp_path) == first
    (tmp_path / "data" / "sql" / "a.sql").write_text("SELECT 2")
    second = code_hash(tmp_path)
    (tmp_path / "data" / "sql" / "a.sql").rename(tmp_path / "data" / "sql" / "b.sql")
    assert len({first, second, code_hash(tmp_path)}) == 3


def test_a_file_that_this_version_cannot_read_is_told_with_the_way_on(world):
    folder, settings = world
    write_app(folder, **EDITS)
    with open_warehouse(settings.home, "puzzles") as warehouse:
        warehouse.run("""UPDATE app_files SET app = '{"app": "puzzles", "gone": 1}'""")
    with pytest.raises(NightquestError) as told:
        served(settings, load_app(str(folder / "puzzles.yaml")))
    assert "cannot read" in told.value.message
    assert "--refresh" in told.value.remedy
