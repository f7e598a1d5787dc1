"""What of tonight's phrases a player has on the screen already."""

import datetime as dt
import json

import polars as pl

from pipelines.challenges.settle import settle_challenges
from pipelines.night.words import on_screen
from tests.factories import event, warehouse_with
from tests.pipelines.challenges.issued import APP, issue, seen

PHRASES = pl.DataFrame({"phrase": ["Go on.", "Take care!", "Rest.", "Onward", "Go"], "number": [1, 2, 3, 4, 5]})


def test_phrases_of_cards_are_found_until_these_are_over_completed_or_not() -> None:
    with warehouse_with(APP, [event(1, 0), event(1, 2.1)]) as warehouse:
        issue(warehouse, days=4, target=1)
        warehouse.run("UPDATE challenges SET title = 'Onward', description = 'Solve 3.5 of 5. Take care! Go on.'")
        settle_challenges(seen(warehouse, 4))
        found = {day: on_screen(seen(warehouse, day), PHRASES).rows() for day in (3, 4, 6, 7)}
        assert found == {3: [], 4: [(1, 1), (1, 2), (1, 4)], 6: [(1, 1), (1, 2), (1, 4)], 7: []}


def test_phrases_of_a_mission_s_brief_are_found_as_long_as_its_mission_goes_on() -> None:
    with warehouse_with(APP, [event(1, 0), event(1, 2.1)]) as warehouse:
        issue(warehouse, days=4, target=1)
        mission, night = warehouse.rows("SELECT content_id::VARCHAR, as_of FROM challenges")[0]
        warehouse.run("UPDATE challenges SET title = '', description = ''")
        warehouse.run(
            """INSERT INTO messages SELECT uuid(), $night, 1, player_key, 'mission_brief', 'Onward', 'A tale. Rest.',
                                              '', '', '', '', '', 1, 'en', $at, $metadata FROM challenges""",
            {
                "night": night,
                "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                "metadata": json.dumps({"mission": mission}),
            },
        )
        found = {day: on_screen(seen(warehouse, day), PHRASES).rows() for day in (3, 4, 6, 7)}
        assert found == {3: [], 4: [(1, 3), (1, 4)], 6: [(1, 3), (1, 4)], 7: []}
