-- Whose news wait at the night $as_of, or waited until it, and from which night on; see pipelines/players/waiting.py. Input:
-- `left_alone` (player_key, reason). Parameters: as_of.
WITH before AS (
    FROM (SELECT player_key, as_of AS since, waits FROM news_waits WHERE as_of < $as_of
          QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY as_of DESC, revision DESC) = 1)
    WHERE waits
)
SELECT player_key,
       CASE WHEN a.reason = 'opted out' THEN NULL ELSE coalesce(b.since, $as_of::DATE) END AS news_from,
       a.reason IS NOT DISTINCT FROM 'paused' AS waits, b.since IS NOT NULL AS waited
FROM (FROM left_alone WHERE reason = 'paused' OR player_key IN (SELECT player_key FROM before)) a
FULL JOIN before b USING (player_key)
ORDER BY player_key
