import datetime as dt
import json

import pytest

from configs.errors import NightquestError
from pipelines.publish.show import gather_player
from tests.pipelines.publish.night_rows import AS_OF, USER_IDS, award, reward_entry, xp_entry
from tests.pipelines.publish.nights import audit_and_publish, issue, make_night, played_warehouse, put


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with played_warehouse() as warehouse:
        issue(warehouse)
        put(warehouse, "xp_ledger", xp_entry(1, AS_OF - dt.timedelta(days=1), 25))
        put(warehouse, "badge_ledger", award(1, AS_OF))
        put(warehouse, "reward_ledger", reward_entry(1, AS_OF))
        audit_and_publish(warehouse, make_night(), home)
    return home


def test_a_view_holds_this_players_rows_of_every_table_and_nobody_elses(home):
    view = gather_player(home, "toy", USER_IDS[0])
    assert (view.as_of, view.revision) == (AS_OF, 1)
    assert view.profile["persona"] == "SCHOLAR"
    assert [row["title"] for row in view.challenges] == ["Three for the road"]
    assert view.messages == []
    assert [row["badge_id"] for row in view.badges_held] == ["first_step"]
    assert (view.xp, [row["xp"] for row in view.xp_lately]) == (65, [40, 25])
    assert [(row["item"], row["amount"]) for row in view.wallet] == [("gem", 7)]
    assert [row["reason"] for row in view.rewards_lately] == ["challenge completed"]
    assert [row["percentile"] for row in view.targets if row["is_next"]] == [75]
    assert not {"app", "as_of", "user_id"} & set(view.challenges[0])


@pytest.mark.parametrize("user_id", USER_IDS)
def test_any_user_id_can_be_shown_and_printed_as_json(home, user_id):
    view = gather_player(home, "toy", user_id)
    plain = json.loads(json.dumps(view.as_dict()))
    assert plain["user_id"] == user_id
    assert plain["as_of"] == "2024-01-10"
    assert len(plain["challenges"]) + len(plain["messages"]) == 1


def test_a_player_that_nothing_is_known_of_is_an_error_that_says_so(home):
    with pytest.raises(NightquestError, match=r"says nothing about a player 'nobody'"):
        gather_player(home, "toy", "nobody")
