"""Who is asked for nothing new is told why."""

import datetime as dt

import pytest

from pipelines.challenges.not_asked import NO_DAILIES, OUT_OF_REACH, UNLIKELY
from pipelines.challenges.plan import recent_challenges
from pipelines.known import Known
from pipelines.learning.training import learn_models
from pipelines.night.figures import not_asked
from pipelines.night.plan import plan_night
from pipelines.pins import day_start, make_night
from tests.factories import START, event, make_app, warehouse_with

DAYS, PLAYERS = 30, 12
AS_OF = START.date() + dt.timedelta(days=DAYS)
ONE = {"metrics": ["solved"], "windows": [1]}
EVENTS = [event(player, day) for player in range(1, PLAYERS + 1) for day in range(DAYS)]  # one puzzle, day by day


@pytest.fixture(name="planned", scope="module")
def _planned():
    """What a night plans for players who solve one puzzle a day, of an app with these changes."""
    app = make_app(challenges=ONE)
    with warehouse_with(app, EVENTS) as warehouse:

        def planned(**changes):
            known = Known(warehouse, make_night(warehouse, make_app(**changes), AS_OF, day_start(app, AS_OF)))
            models = learn_models(known, seed=7, wanted=()).models
            return plan_night(known, models, None, recent_challenges(known))

        yield planned


def test_where_every_target_is_sure_or_out_of_reach_nobody_is_asked_and_the_night_says_why(planned):
    found = planned(challenges=ONE)
    assert found.plan.challenges.is_empty()
    assert found.plan.unserved["reason"].to_list() == [OUT_OF_REACH] * PLAYERS
    assert not_asked(found) == {"players_not_asked_nothing_in_reach": PLAYERS}
    assert found.notes[-1] == f"Nobody gets a new daily challenge. Of 12 players: {OUT_OF_REACH} 12."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"challenges": ONE | {"min_plays": 0.9999}}, UNLIKELY),
        ({"challenges": ONE, "content": {"types": ["motivational_message"]}}, NO_DAILIES),
    ],
)
def test_another_reason_is_told_apart(planned, changes, reason):
    assert set(planned(**changes).plan.unserved["reason"]) == {reason}
