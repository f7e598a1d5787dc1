"""A changed app file that would grant a flood of badges waits until somebody means it."""

import datetime as dt
import shutil

import pytest

from configs.commands import remember_app
from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from tests.flows.world import START, write_app, write_events
from tests.pipelines.nights import now, serve_night

RARE = {"title": "Rare", "tier": "gold", "category": "habit", "when": "solved >= 100000"}
EASY = {"title": "Easy", "tier": "gold", "category": "habit", "when": "solved >= 1"}
NIGHT = START + dt.timedelta(days=20)
NEXT = NIGHT + dt.timedelta(days=1)
PLAYERS = 8


@pytest.fixture(name="first", scope="module")
def _first(tmp_path_factory):
    """Settings under which four grants pass, and the home of an app whose first night is out, for copies."""
    place = tmp_path_factory.mktemp("first")
    settings = Settings(home=place / "home", flood_badges=4, flood_xp=1_000_000)
    loaded = load_app(write_app(place, badges={"rare": RARE}))
    run_ingest(settings, loaded, [write_events(place, days=30)], history=True, players=False, now=now())
    serve_night(settings, loaded, NIGHT, accept=False)
    return settings


@pytest.fixture(name="world")
def _world(first, tmp_path):
    """(settings, folder) of a test's own, with the first night out."""
    shutil.copytree(first.home, tmp_path / "home")
    return first.model_copy(update={"home": tmp_path / "home"}), tmp_path


def changed(folder, **badges):
    path = write_app(folder, badges={"rare": RARE, **badges})
    remember_app("puzzles", str(path))
    return load_app(path)


def written(settings):
    tables = ("settlements", "badge_ledger", "xp_ledger", "challenges", "messages")
    with open_warehouse(settings.home, "puzzles") as warehouse:
        return {table: warehouse.frame(f"SELECT * FROM {table} ORDER BY ALL").to_dicts() for table in tables}


def test_a_new_rule_that_floods_is_counted_and_waits_before_anything_is_written(world):
    settings, folder = world
    before = written(settings)
    with pytest.raises(NightquestError, match=f"grant {PLAYERS} badges worth") as told:
        serve_night(settings, changed(folder, easy=EASY), NEXT, accept=False)
    assert f"Easy (easy) {PLAYERS}" in told.value.message
    assert "player-" in told.value.message
    assert f"--as-of {NEXT} --accept" in told.value.remedy
    assert told.value.exit_code == 1
    assert written(settings) == before


def test_who_means_it_has_the_badges_granted_once_and_is_not_asked_again(world):
    settings, folder = world
    loaded = changed(folder, easy=EASY)
    assert serve_night(settings, loaded, NEXT, accept=True).figures["badges_awarded"] == PLAYERS
    assert serve_night(settings, loaded, NEXT + dt.timedelta(days=1), accept=False).figures["badges_awarded"] == 0


def test_a_rule_that_means_something_else_now_is_as_new(world):
    settings, folder = world
    with pytest.raises(NightquestError, match=r"Rare \(rare\) 8"):
        serve_night(settings, changed(folder, rare={**RARE, "when": "solved >= 2"}), NEXT, accept=False)


def test_a_few_grants_pass_and_much_xp_does_not(world):
    settings, folder = world
    few = {**EASY, "xp": 900}
    roomy = settings.model_copy(update={"flood_badges": PLAYERS})
    dear = roomy.model_copy(update={"flood_xp": 7_000})
    with pytest.raises(NightquestError, match="7,200 XP"):
        serve_night(dear, changed(folder, easy=few), NEXT, accept=False)
    assert serve_night(roomy, changed(folder, easy=few), NEXT, accept=False).figures["badges_awarded"] == PLAYERS


def test_the_first_night_of_an_app_grants_what_its_history_has_earned(tmp_path):
    settings = Settings(home=tmp_path / "home", flood_badges=0, flood_xp=0, flood_share=0)
    loaded = load_app(write_app(tmp_path, badges={"easy": EASY}))
    run_ingest(settings, loaded, [write_events(tmp_path, days=30)], history=True, players=False, now=now())
    assert serve_night(settings, loaded, NIGHT, accept=False).figures["badges_awarded"] == PLAYERS
