"""What players have lately read, as the night's words ask for it."""

import datetime as dt

import polars as pl

from pipelines.known import Known
from pipelines.night.words import READ_DAYS, read_lately
from tests.factories import event, warehouse_with
from tests.pipelines.challenges.issued import APP, ISSUED, issue, night_of

ALSO_READ = (
    """INSERT INTO messages BY NAME
       SELECT c.* EXCLUDE (content_id, player_key, variant, content_type, slot, metric, op, target, window_days, xp,
                           difficulty_level, completion_probability, probability_if_active, personalization_score,
                           estimated_minutes, persona, description, valid_from, valid_until, also, reward_words),
              uuid() AS content_id, player AS player_key, 'm' AS variant, 'tutorial' AS content_type,
              description AS body
       FROM challenges c, range(1, 3) players(player)""",
    """INSERT INTO achievements BY NAME
       SELECT c.* EXCLUDE (content_id, player_key, variant, content_type, slot, op, window_days, difficulty_level,
                           completion_probability, probability_if_active, personalization_score, estimated_minutes,
                           valid_from, valid_until, also),
              uuid() AS content_id, player AS player_key, 'a' AS variant, 'custom_achievement' AS content_type,
              0 AS started_from, 1 AS reached_share, '' AS tier, '' AS category
       FROM challenges c, range(1, 3) players(player)""",
)


def test_players_have_lately_read_what_was_issued_to_them_in_the_30_days_before_of_whichever_table() -> None:
    with warehouse_with(APP, [event(1, 0), event(2, 0), event(1, 20)]) as warehouse:
        issue(warehouse)
        for sql in ALSO_READ:
            warehouse.run(sql)
        asked = pl.Series([1, 3], dtype=pl.Int64)
        for after, variants in {0: [], 1: ["a", "m", "x"], READ_DAYS: ["a", "m", "x"], READ_DAYS + 1: []}.items():
            night = Known(warehouse, night_of(warehouse, ISSUED + dt.timedelta(days=after)))
            found = pl.concat(read_lately(night, asked))
            assert found.columns == ["player_key", "variant"]
            assert sorted(found.rows()) == [(1, variant) for variant in variants], after
