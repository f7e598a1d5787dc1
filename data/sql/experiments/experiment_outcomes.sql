-- Outcomes of an experiment by player: completion of shown challenges, rating, and return, which is play on the local day after
-- a night's content was first shown. n of them, their sum and their sum of squares; known_on is the day they became known.
WITH returns AS (
    SELECT as_of, player_key, arm, propensity, min(shown_on) AS shown_on, any_value(running_day) AS running_day
    FROM experiment_content WHERE shown_on IS NOT NULL
    GROUP BY as_of, player_key, arm, propensity
),
outcomes AS (
    SELECT 'completion' AS metric, arm, player_key, propensity, kept_known_on AS known_on, kept::DOUBLE AS y
    FROM experiment_content WHERE kept IS NOT NULL
    UNION ALL
    SELECT 'rating', arm, player_key, propensity, rating_known_on, rating FROM experiment_content WHERE rating IS NOT NULL
    UNION ALL
    SELECT 'return', r.arm, r.player_key, r.propensity, r.shown_on + 2, (d.player_key IS NOT NULL)::INTEGER::DOUBLE
    FROM returns r
    LEFT JOIN known_active_days d ON d.player_key = r.player_key AND d.day = r.shown_on + 1
    WHERE r.shown_on + 1 < r.running_day
)
SELECT metric, arm, player_key, propensity, known_on, count(*) AS n, sum(y) AS total, sum(y * y) AS squares
FROM outcomes
GROUP BY metric, arm, player_key, propensity, known_on
ORDER BY metric, known_on, player_key, arm, propensity
