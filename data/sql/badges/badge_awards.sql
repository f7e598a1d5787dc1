-- Awards with their ids: UUIDv5 (RFC 9562, 5.5) in the URL namespace of nightquest:award:<app>/<user>/<badge>[/<round>][/again/<n>], so that the
-- same award has the same id in every rebuilt warehouse. Input: `awards`; parameter: app.
WITH hashed AS (
    SELECT a.*, sha1(unhex('6ba7b8119dad11d180b400c04fd430c8')
                     || encode('nightquest:award:' || $app || '/' || p.user_id || '/' || a.badge_id
                             || CASE WHEN a.round_no = 0 THEN '' ELSE '/' || a.round_no END
                             || CASE WHEN r.n IS NULL THEN '' ELSE '/again/' || r.n END)) AS hex
    FROM awards a JOIN players p USING (player_key)
    LEFT JOIN (SELECT player_key, badge_id, round_no, count(*) AS n FROM revoked_awards GROUP BY ALL) r
        ON r.player_key = a.player_key AND r.badge_id = a.badge_id AND r.round_no = a.round_no
)
SELECT concat_ws('-', hex[1:8], hex[9:12], '5' || hex[14:16],
                 substr('89ab', (instr('0123456789abcdef', hex[17]) - 1) % 4 + 1, 1) || hex[18:20], hex[21:32]) AS award_id,
       player_key, badge_id, round_no, granted_at, event_id, rule_version, confidence, evidence
FROM hashed
ORDER BY granted_at, award_id
