"""How badges do: holders beside comparable players, on play whose truth is planted."""

import dataclasses
import datetime as dt

from flows.cli.badges_view import badges_view
from pipelines.badges.performance import badge_performance
from tests.factories import event, known_at, make_app, warehouse_with
from tests.pipelines.badges.rules.awards import award_badges, cite
from tests.printed import printed

BADGES = {
    "star": {"title": "Star", "tier": "gold", "category": "c", "when": "best >= 100", "prestige": 40},
    "shut": {"title": "Shut", "tier": "gold", "category": "c", "when": "solved >= 30", "state": "on_hold"},
    "common": {"title": "Common", "tier": "bronze", "category": "c", "when": "solved >= 1"},
}


def figures(after_with: int, after_without: int):
    """40 players, each on the 28th day; all played on 7 days before, half get the star; days played in the 28 after."""
    rows = []
    for player in range(1, 41):
        starred = player <= 20
        rows += [event(player, day) for day in range(14, 28, 2)]
        rows.append(event(player, 28, points=100 if starred else 1))
        rows += [event(player, 29 + day) for day in range(after_with if starred else after_without)]
    rows += [event(99, day) for day in range(90)]  # who plays every day is comparable with nobody
    app = make_app(badges=BADGES)
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, dt.date(2024, 4, 10))
        award_badges(known, cite)
        return {one.badge_id: one for one in badge_performance(known)}


def test_holders_stand_beside_players_who_played_as_much_and_got_no_badge() -> None:
    star = figures(after_with=20, after_without=8)["star"]
    assert (star.holders, star.awards, star.prestige) == (20, 20, 40)
    assert star.around is not None
    assert (star.around.compared, star.around.before, star.around.after) == (20, 7, 20)
    assert (star.around.others_before, star.around.others_after) == (7, 8)
    assert star.around.difference == 12
    assert star.around.error == 0


def test_what_rises_for_everybody_is_no_difference() -> None:
    around = figures(after_with=20, after_without=20)["star"].around
    assert around is not None
    assert around.difference == 0


def test_who_does_not_come_back_is_told_and_a_badge_that_all_have_is_compared_with_nobody() -> None:
    found = figures(after_with=0, after_without=8)
    star = found["star"].around
    assert star is not None
    assert (star.returned, star.others_returned) == (0, 1)
    assert found["common"].around is None
    assert found["common"].share == 1


def test_of_a_badge_on_hold_it_is_told_how_many_wait_and_all_of_it_is_told_as_no_cause() -> None:
    found = figures(after_with=1, after_without=1)
    assert (found["shut"].holders, found["shut"].waiting) == (0, 1)
    text = printed(badges_view("toy", tuple(found.values())))
    assert "Shut (on hold, 1" in text
    assert "only an experiment could tell" in " ".join(text.split())
    assert dataclasses.asdict(found["star"])["around"]["compared"] == 20
