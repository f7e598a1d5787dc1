"""A person erased: nothing under home holds their id, all else is as it was, and they do not come back unasked."""

import datetime as dt
import json
import shutil

import polars as pl
import pytest

from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from pipelines.activity.quarantine import read_quarantine
from pipelines.erasure import erase as erasing
from pipelines.erasure.erase import erase_person, look_at_person
from pipelines.publish.health import warehouse_fault
from pipelines.publish.published import damaged_files, published_nights, read_latest, read_manifest
from tests.flows.world import START, bytes_under, write_app
from tests.pipelines.nights import now, serve_night

GONE, STAYS = "zelda.brandt@example.org", "ann.brandt@example.org"
DAYS = 30
SELECT = """
SELECT 'solve:' || s.nr AS event_id, m.mail AS user_id, 'solve' AS event, s.at AS occurred_at,
       json_object('points', TRY_CAST(s.points AS DOUBLE), 'topic', s.topic) AS properties, s._delivery_id, s._row
FROM raw_solves AS s JOIN raw_members AS m ON m.mail = s.mail
"""


def people():
    return [GONE, STAYS, *(f"member-{n}@example.org" for n in range(9))]


def solves(folder, name, rows):
    path = folder / f"solves-{name}.csv"
    lines = [f"{nr},{mail},{at},{points},a" for nr, mail, at, points in rows]
    path.write_text("\n".join(["nr,mail,at,points,topic", *lines]) + "\n", encoding="utf-8")
    return path


def moment(day, minute=0):
    return f"{START + dt.timedelta(days=day)}T10:{minute:02}:00Z"


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory):
    """(app, home) with deliveries through a source, rows in quarantine, a night out and copied, a replay and a log."""
    folder = tmp_path_factory.mktemp("erase")
    app = write_app(folder, source="club")
    (folder / "club.sql").write_text(SELECT, encoding="utf-8")
    members = folder / "members.csv"
    members.write_text("mail,nick\n" + "".join(f"{mail},x\n" for mail in people()), encoding="utf-8")
    rows = [
        (f"{day}-{i}", mail, moment(day, i), 1 + (day + i) % 9)
        for day in range(DAYS)
        for i, mail in enumerate(people())
        if day % (i + 2)
    ]
    wrong = [(f"w-{i}", mail, "soon", 3) for i, mail in enumerate((GONE, STAYS))]
    home, loaded = folder / "home", load_app(app)
    settings = Settings(home=home)
    run_ingest(
        settings, loaded, [members, solves(folder, "1", [*rows, *wrong])], history=True, players=False, now=now()
    )
    serve_night(settings, loaded, START + dt.timedelta(days=DAYS))
    (home / "logs").mkdir()
    (home / "logs" / "runner.log").write_text(f"served {GONE}, {STAYS} and x{GONE}x\n", encoding="utf-8")
    (home / "replay" / "puzzles").mkdir(parents=True)
    with open_warehouse(home, "puzzles", read_only=True) as warehouse:
        keys = warehouse.frame("SELECT player_key, user_id FROM players")
    keys.drop("user_id").write_parquet(home / "replay" / "puzzles" / "some.parquet")
    return app, home


@pytest.fixture(name="copied")
def _copied(made, tmp_path):
    """A home of one's own."""
    app, home = made
    shutil.copytree(home, tmp_path / "home")
    return load_app(app), Settings(home=tmp_path / "home")


def everything(home):
    """All rows of the warehouse and of every Parquet file, as text, by place."""
    with open_warehouse(home, "puzzles", read_only=True) as warehouse:
        tables = [name for (name,) in warehouse.rows("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")]
        places = {name: warehouse.frame(f"FROM {name}") for name in tables}
    places |= {str(path.relative_to(home)): pl.read_parquet(path) for path in sorted(home.rglob("*.parquet"))}
    return {name: [json.dumps(row, default=str) for row in frame.to_dicts()] for name, frame in places.items()}


def test_a_look_counts_what_would_go_and_changes_nothing(copied):
    loaded, settings = copied
    before = everything(settings.home)
    found = look_at_person(settings, loaded, GONE)
    assert everything(settings.home) == before
    assert not found.done
    assert found.warehouse["events"] == found.warehouse["raw_solves"] - 1 == sum(day % 2 for day in range(DAYS))
    assert {"raw_members": 1, "quarantine": 1, "players": 1}.items() <= found.warehouse.items()
    assert found.published[str(START + dt.timedelta(days=DAYS))] > 3
    assert (found.replays, found.named) == (1, 1)


def test_no_byte_of_the_home_holds_the_id_afterwards_and_the_others_keep_all_theirs(copied):
    loaded, settings = copied
    before = everything(settings.home)
    with open_warehouse(settings.home, "puzzles", read_only=True) as warehouse:
        (key,) = warehouse.rows("SELECT player_key FROM players WHERE user_id = $u", {"u": GONE})[0]
        sums = warehouse.rows("SELECT count(*) FROM challenges")[0]
    done = erase_person(settings, loaded, GONE, now)
    assert (done.done, done.left) == (True, {})
    mask = "*" * len(GONE)
    log = (settings.home / "logs" / "runner.log").read_text(encoding="utf-8")
    assert log == f"served {mask}, {STAYS} and x{GONE}x\n"  # a longer word is another's
    (settings.home / "logs" / "runner.log").unlink()
    after = everything(settings.home)
    assert not [name for name, content in bytes_under(settings.home).items() if GONE.encode() in content]
    assert not [(name, row) for name, rows in after.items() for row in rows if GONE in row]
    erasure = {"erased", "erasure_key", "erased_sums"}
    theirs = (GONE, f'"player_key": {key},', f'"player_key": {key}}}')
    for name in before.keys() - erasure:
        kept = [row for row in before[name] if not any(told in row for told in theirs)]
        assert sorted(after[name]) == sorted(kept), name
    ((_, folder),) = [(day, folder) for day, _, folder in published_nights(settings.home, "puzzles")]
    assert not damaged_files(folder, read_manifest(folder))
    assert read_latest(settings.home, "puzzles").folder == folder
    with open_warehouse(settings.home, "puzzles") as warehouse:
        summed = warehouse.value("SELECT sum(rows) FROM erased_sums WHERE ledger = 'challenges'")
        assert warehouse.rows("SELECT count(*) FROM challenges")[0][0] + summed == sums[0]


def test_who_was_erased_stays_out_of_later_deliveries_unless_allowed_back(copied, tmp_path):
    loaded, settings = copied
    erase_person(settings, loaded, GONE, now)
    (tmp_path / "members.csv").write_text(f"mail,nick\n{GONE},back\n", encoding="utf-8")
    again = [
        solves(tmp_path, name, [(f"n-{name}-{i}", mail, moment(DAYS, i), 2) for i, mail in enumerate((GONE, STAYS))])
        for name in ("2", "3")
    ]
    with_members = [tmp_path / "members.csv", again[0]]
    told = run_ingest(settings, loaded, with_members, history=True, players=False, now=now())
    assert (told.taken, told.held_back) == (1, 1)
    assert not [name for name, rows in everything(settings.home).items() for row in rows if GONE in row]
    assert erase_person(settings, loaded, GONE, now, allow_back=True).comes_back
    (tmp_path / "members-2.csv").write_text(f"mail,nick\n{GONE},again\n", encoding="utf-8")
    told = run_ingest(settings, loaded, [tmp_path / "members-2.csv", again[1]], history=True, players=False, now=now())
    assert (told.taken, told.held_back) == (2, 0)


def test_an_erasure_that_was_killed_is_told_and_ends_the_same_when_it_is_run_again(copied, monkeypatch):
    loaded, settings = copied
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "take_out_owned", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase_person(settings, loaded, GONE, now)
    with open_warehouse(settings.home, "puzzles") as warehouse:
        assert warehouse.value("SELECT count(*) FROM erased WHERE done_at IS NULL") == 1
        assert read_quarantine(warehouse, "puzzles", "", 9).rows == 2
    assert "was not finished" in warehouse_fault(settings.home, "puzzles", deep=False).message
    for _ in range(2):  # and once more changes nothing
        assert erase_person(settings, loaded, GONE, now).done
    assert not [name for name, rows in everything(settings.home).items() for row in rows if GONE in row]
    assert warehouse_fault(settings.home, "puzzles", deep=False) is None


def test_an_id_that_nobody_has_is_refused(copied):
    loaded, settings = copied
    with pytest.raises(NightquestError, match=r"has no player 'nobody@example\.org'"):
        erase_person(settings, loaded, "nobody@example.org", now)


def test_a_destination_that_is_down_leaves_the_erasure_unfinished_and_a_folder_is_written_anew(copied, tmp_path):
    loaded, settings = copied
    there = tmp_path / "mounted"
    shutil.copytree(settings.home / "published" / "puzzles", there / "puzzles")
    sinks = {"folder": {"to": str(tmp_path / "away")}}
    told = erase_person(Settings(home=settings.home, sinks=sinks), loaded, GONE, now)
    assert not told.done
    assert "is not there" in told.failed[0]
    there.rename(tmp_path / "away")
    assert erase_person(Settings(home=settings.home, sinks=sinks), loaded, GONE, now).done
    for path in (tmp_path / "away").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        assert "user_id" not in frame.columns or GONE not in frame["user_id"].to_list()
