"""What is taken in without effect is counted and named."""

import pytest

from data.warehouse import scratch
from tests.pipelines.activity.deliveries import (
    LEAN,
    as_csv,
    as_jsonl,
    deliver,
    solve,
)


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


def test_a_decision_on_a_badge_that_the_app_lacks_is_counted_and_named(warehouse, tmp_path):
    rows = [solve(event=f"nightquest.{what}", badge_id="ten") for what in ("awarded", "awarded", "refused")]
    result = deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(rows)})
    why = ", which is no badge of the app"
    assert result.unused == {f"nightquest.awarded of ten{why}": 2, f"nightquest.refused of ten{why}": 1}


def test_answers_to_content_that_the_player_was_not_given_are_counted_and_named(warehouse, tmp_path):
    given = "0189f7ea-ae2c-4f3b-8d2a-000000000001"
    deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([solve("ann")])})
    warehouse.run(
        f"""INSERT INTO messages
            SELECT '{given}', '2024-05-02', 1, player_key, 'motivational_message', 'Title', 'Body', 'brief', 'offline',
                   'grammar', '', 'variant', 1, 'en', '2024-05-01T00:00:00Z', NULL
            FROM players"""
    )
    rows = [solve("ann", event="nightquest.shown", content_id=content) for content in ("no-such-thing", given)]
    rows.append(solve("bob", event="nightquest.rated", value=5, content_id=given))
    result = deliver(warehouse, LEAN, tmp_path, {"b.jsonl": as_jsonl(rows)})
    why = "of content that the player was not given"
    assert result.unused == {f"nightquest.shown {why}": 1, f"nightquest.rated {why}": 1}


def test_a_value_that_nothing_asks_for_is_counted_and_named(warehouse, tmp_path):
    result = deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv([solve(value=3), solve(value=4), solve()])})
    assert result.unused == {"value of solve, which the app file neither declares nor measures": 2}
