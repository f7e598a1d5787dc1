-- Which phrases of tonight's texts stand on what is a player's already: cards of the nights of the last $days days whose window goes on,
-- completed or not, with the briefs of these missions, and achievements; told apart as `sentences` of pipelines/words/checks/validate.py
-- does. Input: `phrases` (phrase, number). Parameters: as_of, days.
WITH open_cards AS (
    SELECT content_id, player_key, title, description FROM challenges
    WHERE as_of < $as_of AND as_of >= $as_of::DATE - $days::INTEGER AND valid_until >= $as_of
),
cards AS (
    SELECT player_key, title, description FROM open_cards
    UNION ALL
    SELECT m.player_key, m.title, m.body FROM messages m JOIN open_cards c ON c.content_id::VARCHAR = m.metadata ->> 'mission'
    WHERE m.content_type = 'mission_brief' AND m.as_of < $as_of AND m.as_of >= $as_of::DATE - $days::INTEGER
    UNION ALL
    SELECT player_key, title, description FROM achievements WHERE as_of < $as_of AND as_of >= $as_of::DATE - $days::INTEGER
),
said AS (
    SELECT player_key, title AS phrase FROM cards
    UNION ALL
    SELECT player_key, unnest(string_split(regexp_replace(description, '([.!?]) ', '\1' || chr(10), 'g'), chr(10))) FROM cards
)
SELECT DISTINCT player_key, number FROM said JOIN phrases USING (phrase) ORDER BY player_key, number
