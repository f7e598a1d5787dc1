"""The order in which a night settles: what a reward had given goes before what required it is looked at."""

import datetime as dt

from configs.settings import Settings
from pipelines.badges.rules.revoke import REQUIRED
from pipelines.known import Known
from pipelines.night.open_night import Tonight
from pipelines.night.pinned_file import PinnedFile
from pipelines.night.settle import settle
from pipelines.taken_back import WHY
from pipelines.words.wishes import NO_WISHES
from tests.factories import START, event, take_back_events, warehouse_with
from tests.pipelines.badges.rules.awards import DAY, award_badges, cite, pin, publish
from tests.pipelines.nights import context_of
from tests.pipelines.publish.night_rows import challenge
from tests.pipelines.publish.nights import publish as put_out
from tests.pipelines.publish.nights import put
from tests.pipelines.rewards.promises import app_with

FIRST = DAY + dt.timedelta(days=1)


def night(warehouse, app, day, home):
    known = Known(warehouse, pin(warehouse, app, day))
    settle(Tonight(known, context_of(Settings(home=home)), PinnedFile(app, "hash", NO_WISHES)))
    award_badges(known, cite)
    publish(warehouse, known.night)
    return dict(warehouse.rows("SELECT badge_id, player_key FROM badge_ledger"))


def test_what_required_a_badge_that_a_reward_had_given_goes_with_it_in_the_same_night(tmp_path):
    app = app_with({"all": {"star": {"gives": "star"}}})
    top = app.badges["star"].model_copy(update={"when": "solved >= 1", "requires": ["star"], "title": "Top"})
    app = app.model_copy(update={"badges": {**app.badges, "top": top}, "on_retraction": "revoke"})
    with warehouse_with(app, [event(1, 1.0), event(1, 1.1), event(1, 1.2)]) as warehouse:
        put_out(warehouse, FIRST)
        row = challenge(1, as_of=FIRST)
        put(warehouse, "challenges", row)
        told = {"content_id": row["content_id"], "as_of": FIRST, "revision": 1, "player_key": 1, "offer": "all/star"}
        told |= {"content_type": row["content_type"], "kind": "badge", "item": "star", "amount": 1, "words": "x"}
        put(warehouse, "promised_rewards", told | {"probability": 0.5, "valid_until": FIRST})
        assert night(warehouse, app, 3, tmp_path) == {"star": 1, "top": 1}
        take_back_events(warehouse, app, ["e000001"], START + dt.timedelta(days=3))
        assert night(warehouse, app, 5, tmp_path) == {}
        gone = dict(warehouse.rows("SELECT badge_id, reason FROM revoked_awards"))
        assert gone == {"star": WHY, "top": REQUIRED}
        assert warehouse.value("SELECT sum(xp) FROM xp_ledger") == 0
