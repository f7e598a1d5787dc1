"""A night made when later ones are out: looked at, not issued, unless somebody means it."""

import datetime as dt
import json
import shutil

import polars as pl
import pytest

from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from pipelines.publish.published import LATEST, folder_name, published_root, read_manifest
from tests.flows.world import DAYS, START, bytes_under, write_app, write_events
from tests.pipelines.nights import now, serve_night

pytestmark = pytest.mark.long

APP = {
    "badges": {
        "regular": {"title": "Regular", "tier": "bronze", "category": "habit", "when": "solved >= 30"},
        "keen": {"title": "Keen", "tier": "bronze", "category": "habit", "when": "solved >= 45"},
    },
    "content": {"types": ["daily_challenge", "motivational_message", "come_back_message", "custom_achievement"]},
    "rewards": {"points": {"gem": {"unit": "gem"}}, "tables": {"all": {"gems": {"gives": "gem"}}}},
}
LEDGERS = (
    *("challenges", "messages", "achievements", "achievements_reached", "settlements", "xp_ledger", "badge_ledger"),
    *("promised_rewards", "reward_ledger"),
    *("assignments", "experiment_arms", "nominations", "verdicts", "texts"),
)
NIGHTS = [START + dt.timedelta(days=day) for day in (25, 26, 28, 29)]


@pytest.fixture(name="first", scope="module")
def _first(tmp_path_factory):
    """(home, loaded app) with the first night out, for copies."""
    place = tmp_path_factory.mktemp("first")
    loaded, settings = load_app(write_app(place, **APP)), Settings(home=place / "home")
    files = [write_events(place, days=DAYS)]
    run_ingest(settings, loaded, files, history=True, players=False, now=now())
    assert serve_night(settings, loaded, NIGHTS[0]).issued
    return settings.home, loaded


@pytest.fixture(name="ahead", scope="module")
def _ahead(first, tmp_path_factory):
    """(home, loaded app) with the first and the third night out, for copies."""
    settings, loaded = copy_of(first, tmp_path_factory.mktemp("ahead"))
    assert serve_night(settings, loaded, NIGHTS[2]).issued
    return settings.home, loaded


@pytest.fixture(name="looked", scope="module")
def _looked(ahead, tmp_path_factory):
    """(home, loaded app) where the second night was made after the third, its report, and the ledgers before it."""
    settings, loaded = copy_of(ahead, tmp_path_factory.mktemp("looked"))
    before = ledgers(settings)
    return settings.home, loaded, serve_night(settings, loaded, NIGHTS[1]), before


@pytest.fixture(name="second", scope="module")
def _second(first, tmp_path_factory):
    """(home, loaded app) with the first and the second night out, in their order, and what the second said."""
    settings, loaded = copy_of(first, tmp_path_factory.mktemp("second"))
    return settings.home, loaded, serve_night(settings, loaded, NIGHTS[1])


def copy_of(made, place):
    shutil.copytree(made[0], place / "home")
    return Settings(home=place / "home"), made[1]


@pytest.fixture(name="world")
def _world(first, tmp_path):
    """(settings, loaded app) of a test's own, with the first night out."""
    return copy_of(first, tmp_path)


@pytest.fixture(name="overtaken")
def _overtaken(ahead, tmp_path):
    """(settings, loaded app) of a test's own, with the first and the third night out."""
    return copy_of(ahead, tmp_path)


@pytest.fixture(name="late")
def _late(looked, tmp_path):
    """(settings, loaded app) of a test's own, with the second night made after the third."""
    return copy_of(looked, tmp_path)


def ledgers(settings):
    with open_warehouse(settings.home, "puzzles") as warehouse:
        return {table: warehouse.frame(f"SELECT * FROM {table} ORDER BY ALL").to_dicts() for table in LEDGERS}


def folder(settings, night, revision=1):
    return published_root(settings.home, "puzzles") / folder_name(night, revision)


def latest(settings):
    return json.loads((published_root(settings.home, "puzzles") / LATEST).read_text())["folder"]


def test_a_night_made_after_later_ones_moves_no_ledger_and_no_pointer_and_is_marked(looked):
    home, _, report, before = looked
    settings = Settings(home=home)
    assert ledgers(settings) == before
    assert latest(settings) == str(NIGHTS[2])
    manifest = read_manifest(folder(settings, NIGHTS[1]))
    assert (manifest.late, manifest.issued) == (True, False)
    rows = manifest.tables["challenges"].rows
    assert rows == report.figures["challenges"] + report.figures["still_open"]
    assert report.figures["challenges"] > 0
    assert (report.figures["late"], report.figures["issued"], report.figures["xp_paid"]) == (True, False, 0)
    assert f"--as-of {NIGHTS[1]} --issue" in report.notes[0]
    assert str(NIGHTS[2]) in report.notes[0]


def test_what_a_late_night_showed_is_never_settled_or_paid_by_the_nights_after_it(late):
    settings, loaded = late
    serve_night(settings, loaded, NIGHTS[3])
    left_out = {row["as_of"] for row in ledgers(settings)["challenges"]}
    assert left_out == {NIGHTS[0], NIGHTS[2], NIGHTS[3]}
    assert {row["as_of"] for row in ledgers(settings)["xp_ledger"]} <= left_out


def test_a_late_night_again_changes_no_byte(looked, late):
    settings, loaded = late
    before = bytes_under(published_root(settings.home, "puzzles"))
    again = serve_night(settings, loaded, NIGHTS[1])
    assert (looked[2].unchanged, again.unchanged) == (False, True)
    assert bytes_under(published_root(settings.home, "puzzles")) == before


def test_who_means_it_has_a_late_night_issued_even_after_it_was_looked_at(late):
    settings, loaded = late
    report = serve_night(settings, loaded, NIGHTS[1], issue=True)
    assert report.issued
    assert report.figures["revision"] == 2
    manifest = read_manifest(folder(settings, NIGHTS[1], 2))
    assert (manifest.late, manifest.issued) == (True, True)
    assert latest(settings) == str(NIGHTS[2])
    promised = [row for row in ledgers(settings)["challenges"] if row["as_of"] == NIGHTS[1]]
    assert len(promised) == report.figures["challenges"] > 0
    serve_night(settings, loaded, NIGHTS[3])
    settled = {row["content_id"] for row in ledgers(settings)["settlements"]}
    assert settled & {row["content_id"] for row in promised}


def test_a_refresh_of_a_night_that_was_overtaken_keeps_its_promises_and_adds_none(overtaken):
    settings, loaded = overtaken
    before = ledgers(settings)
    report = serve_night(settings, loaded, NIGHTS[0], refresh=True)
    assert ledgers(settings) == before
    assert not report.issued
    assert read_manifest(folder(settings, NIGHTS[0], 2)).issued is False


@pytest.mark.parametrize("placed", [False, True])
def test_a_night_that_was_begun_and_then_overtaken_counts_only_if_readers_had_it(world, placed):
    settings, loaded = world
    with open_warehouse(settings.home, "puzzles") as warehouse:
        warehouse.run("UPDATE nights SET status = 'planned' WHERE as_of = $d", {"d": NIGHTS[0]})
    if not placed:
        shutil.rmtree(folder(settings, NIGHTS[0]))
    serve_night(settings, loaded, NIGHTS[1])
    before = ledgers(settings)
    report = serve_night(settings, loaded, NIGHTS[0])
    assert report.issued is placed
    assert ledgers(settings) == before


def test_a_late_night_shows_what_it_would_have_shown_had_the_later_ones_never_been_made(second, looked):
    told = [
        {
            path.name: pl.read_parquet(path).drop("generated_at", strict=False)
            for path in folder(each, NIGHTS[1]).glob("*.parquet")
        }
        for each in (Settings(home=second[0]), Settings(home=looked[0]))
    ]
    # What rests on ledgers that a late night does not move is another's: settlements, XP, badges, levels.
    for table in ("challenges", "messages", "achievements", "segments", "targets", "scores"):
        assert told[0][f"{table}.parquet"].equals(told[1][f"{table}.parquet"]), table
