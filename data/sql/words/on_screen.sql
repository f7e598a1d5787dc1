-- Which phrases of tonight's texts stand on what is open to a player already: cards of the nights of the last $days days whose window
-- goes on and that are not completed, and achievements yet to be reached. Input: `phrases` (phrase, number). Parameters: as_of, days.
WITH cards AS (
    SELECT player_key, title, description FROM challenges c
    ANTI JOIN (FROM settlements WHERE state = 'completed' AND as_of <= $as_of) s ON s.content_id = c.content_id
    WHERE as_of < $as_of AND as_of >= $as_of::DATE - $days::INTEGER AND valid_until >= $as_of
    UNION ALL
    SELECT player_key, title, description FROM achievements a
    ANTI JOIN achievements_at($as_of) r ON r.content_id = a.content_id
    WHERE as_of < $as_of AND as_of >= $as_of::DATE - $days::INTEGER
),
said AS (
    SELECT player_key, title AS phrase FROM cards
    UNION ALL
    SELECT player_key, unnest(string_split(regexp_replace(description, '([.!?]) ', '\1' || chr(10), 'g'), chr(10))) FROM cards
)
SELECT DISTINCT player_key, number FROM said JOIN phrases USING (phrase) ORDER BY player_key, number
