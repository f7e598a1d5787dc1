"""A player's bundle: what a screen needs of a night, whole, for one player and for all."""

import datetime as dt
import json

import pytest

from configs.errors import NightquestError
from pipelines.publish.bundles import every_bundle, player_bundle
from pipelines.publish.published import read_latest
from pipelines.publish.tables import published_tables
from tests.pipelines.publish.night_rows import AS_OF, USER_IDS, award, challenge, xp_entry
from tests.pipelines.publish.nights import YESTERDAY, audit_and_publish, issue, make_night, played_warehouse, put

WRITERS_OWN = {"ai_provider", "model", "prompt_version", "variant", "propensity", "metadata", "evidence", "traits"}


@pytest.fixture(name="night", scope="module")
def _night(tmp_path_factory):
    """One with an open challenge of the night before, XP and a badge of the first player."""
    home = tmp_path_factory.mktemp("home")
    with played_warehouse() as warehouse:
        issue(warehouse)
        old = challenge(1, 7, YESTERDAY, window_days=5, valid_until=AS_OF + dt.timedelta(days=3))
        put(warehouse, "challenges", old)
        put(warehouse, "xp_ledger", xp_entry(1, YESTERDAY, 25))
        put(warehouse, "badge_ledger", award(1, AS_OF))
        audit_and_publish(warehouse, make_night(), home, open_ids=((old["content_id"], 1),))
    return read_latest(home, "toy")


def bundle_of(night, place):
    return json.loads(player_bundle(night, USER_IDS[place]))


def test_a_challenge_stands_in_it_whole_with_what_is_new_marked(night):
    one, old = bundle_of(night, 0)["challenges"]
    assert (one["title"], one["is_new"], one["progress"]) == ("Three for the road", True, 0.0)
    assert one["requirements"] == [{"metric": "solved", "op": ">=", "target": 3.0, "window_days": 1}]
    assert (one["rewards"], one["valid_until"]) == ({"xp": 40}, str(AS_OF))
    assert one["description"]
    assert one["so_far"] == [{"value": 0.0, "progress": 0.0}]
    assert (old["is_new"], old["progress"], old["issued_on"]) == (False, 0.5, str(YESTERDAY))
    assert old["so_far"] == [{"value": 1.5, "progress": 0.5}]


def test_a_row_that_there_is_one_of_stands_by_itself_and_xp_is_a_balance(night):
    told = bundle_of(night, 0)
    assert (told["app"], told["as_of"], told["revision"], told["user_id"]) == ("toy", str(AS_OF), 1, USER_IDS[0])
    assert told["profile"]["persona"] == "SCHOLAR"
    assert told["xp"] == 65
    assert [row["badge_id"] for row in told["badges_held"]] == ["first_step"]


def test_what_its_rows_name_by_an_id_has_its_words_in_it_and_nothing_else(night):
    told = bundle_of(night, 0)
    asked = {part["metric"] for row in told["challenges"] for part in row["requirements"]}
    ids = asked | {row["metric"] for row in told["targets"]} | {row["badge_id"] for row in told["badge_progress"]}
    assert ids <= {row["item"] for row in told["names"]} <= ids | {told["profile"]["preferred_content"]}
    [solved] = [row for row in told["names"] if row["item"] == "solved"]
    puzzles = {"title": "puzzles solved", "unit": "puzzle", "units": "puzzles"}
    assert solved == {"kind": "metric", "item": "solved", **puzzles}


def test_nothing_of_who_wrote_it_or_of_why_is_in_it(night):
    told = player_bundle(night, USER_IDS[0])
    assert [name for name in WRITERS_OWN if f'"{name}":' in told] == []
    assert "scores" not in json.loads(told)


@pytest.mark.parametrize("at_a_time", [1, 2, 5_000])
def test_all_of_them_are_the_same_as_each_in_order_of_ids_however_many_at_a_time(night, at_a_time):
    lines = list(every_bundle(night, at_a_time=at_a_time))
    assert [json.loads(line)["user_id"] for line in lines] == sorted(USER_IDS)
    assert lines == [player_bundle(night, user) for user in sorted(USER_IDS)]
    assert not [line for line in lines if "\n" in line]


def test_a_player_that_nothing_is_known_of_is_an_error(night):
    with pytest.raises(NightquestError, match=r"says nothing about a player 'nobody'"):
        player_bundle(night, "nobody")


def test_every_table_about_players_says_what_a_screen_needs_of_it_in_columns_it_has():
    without = {name for name, table in published_tables().items() if not table.contract.screen}
    assert without == {
        "badge_nominees",
        "contacts",
        "content_performance",
        "names",
        "reward_ledger",
        "scores",
        "tastes",
        "xp_ledger",
    }
    for table in published_tables().values():
        assert set(table.contract.screen) <= set(table.contract.types)
