-- How far each arm of an experiment reached: players, pieces, and of these the ones its own writers wrote and the ones shown.
WITH arms AS (
    SELECT arm, arg_max(provider, as_of) AS provider, arg_max(prompt, as_of) AS prompt, arg_max(place, as_of) AS place,
           arg_max(propensity, (as_of, revision)) AS propensity
    FROM experiment_arms WHERE experiment = $experiment AND as_of < $as_of GROUP BY arm
)
SELECT a.arm, a.provider, a.prompt, a.propensity,
       count(DISTINCT c.player_key) AS players,
       count(DISTINCT c.player_key) FILTER (c.shown_on IS NOT NULL) AS players_shown,
       count(c.content_id) AS issued,
       count(c.shown_on) AS shown,
       CASE WHEN a.provider <> 'rewards'  -- whose arms are tables, and whose words are anybody's
            THEN count(*) FILTER (c.ai_provider = a.provider OR a.provider = 'both' AND c.ai_provider <> 'offline')
                / nullif(count(c.content_id), 0) END AS own_words
FROM arms a LEFT JOIN experiment_content c USING (arm)
GROUP BY a.arm, a.provider, a.prompt, a.propensity, a.place
ORDER BY a.place, a.arm
