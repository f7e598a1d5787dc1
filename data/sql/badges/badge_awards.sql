-- Awards with their ids: UUIDv5 (RFC 9562, 5.5) in the URL namespace of nightquest:award:<app>/<user>/<badge>[/<round>], so that the
-- same award has the same id in every rebuilt warehouse. Input: `awards`; parameter: app.
WITH hashed AS (
    SELECT a.*, sha1(unhex('6ba7b8119dad11d180b400c04fd430c8')
                     || encode('nightquest:award:' || $app || '/' || p.user_id || '/' || a.badge_id
                             || CASE WHEN a.round_no = 0 THEN '' ELSE '/' || a.round_no END)) AS hex
    FROM awards a JOIN players p USING (player_key)
)
SELECT concat_ws('-', hex[1:8], hex[9:12], '5' || hex[14:16],
                 substr('89ab', (instr('0123456789abcdef', hex[17]) - 1) % 4 + 1, 1) || hex[18:20], hex[21:32]) AS award_id,
       player_key, badge_id, round_no, granted_at, event_id, rule_version, confidence, evidence
FROM hashed
ORDER BY granted_at, award_id
