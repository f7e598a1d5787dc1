-- Events of `landed` without effect: what they are and why, and how many; the most frequent first.

WITH given AS (
    SELECT content_id, player_key, true AS is_given FROM challenges
    UNION SELECT content_id, player_key, true FROM messages
    UNION SELECT content_id, player_key, true FROM achievements
),
told AS (
    SELECT CASE
        WHEN event IN ('nightquest.awarded', 'nightquest.refused')
             AND (properties ->> '$.badge_id') NOT IN (SELECT unnest($badges::VARCHAR[]))
        THEN event || ' of ' || (properties ->> '$.badge_id')[:60] || ', which is no badge of the app'
        WHEN event IN ('nightquest.shown', 'nightquest.rated', 'nightquest.dismissed') AND is_given IS NULL
        THEN event || ' of content that the player was not given'
        WHEN value IS NOT NULL AND event IN (SELECT unnest($without_value::VARCHAR[]))
        THEN 'value of ' || event || ', which the app file neither declares nor measures'
        END AS what
    FROM landed
    LEFT JOIN given
        ON given.player_key = landed.player_key AND given.content_id = TRY_CAST(properties ->> '$.content_id' AS UUID)
)
SELECT what, count(*) AS n FROM told WHERE what IS NOT NULL GROUP BY what ORDER BY n DESC, what LIMIT 20
