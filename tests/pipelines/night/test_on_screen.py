"""What of tonight's phrases a player has on the screen already."""

import polars as pl

from pipelines.challenges.settle import settle_challenges
from pipelines.night.words import on_screen
from tests.factories import event, warehouse_with
from tests.pipelines.challenges.test_settle import APP, issue, seen

PHRASES = pl.DataFrame({"phrase": ["Go on.", "Take care!", "Rest.", "Onward", "Go"], "number": [1, 2, 3, 4, 5]})


def test_phrases_of_cards_are_found_until_these_are_over_completed_or_not() -> None:
    with warehouse_with(APP, [event(1, 0), event(1, 2.1)]) as warehouse:
        issue(warehouse, days=4, target=1)
        warehouse.run("UPDATE challenges SET title = 'Onward', description = 'Solve 3.5 of 5. Take care! Go on.'")
        settle_challenges(seen(warehouse, 4))
        found = {day: on_screen(seen(warehouse, day), PHRASES).rows() for day in (3, 4, 6, 7)}
        assert found == {3: [], 4: [(1, 1), (1, 2), (1, 4)], 6: [(1, 1), (1, 2), (1, 4)], 7: []}
