-- All that was taken back from players up to a night, each thing once, with the XP that went with it; of a badge its id as title.
WITH taken AS (
    SELECT 'badge:' || r.award_id AS revocation_id, r.player_key, r.revoked_on, 'badge' AS kind, r.badge_id AS item,
           r.badge_id AS title, 1 AS amount, coalesce(-x.xp, 0) AS xp, r.award_id AS given_as, r.reason
    FROM revoked_awards r
    LEFT JOIN xp_ledger x ON x.entry_id = 'revoked:' || r.award_id
    UNION ALL
    SELECT 'achievement:' || u.content_id || ':' || u.revoked_on, u.player_key, u.revoked_on, 'achievement', 'achievement:' || a.metric,
           a.title, 1, u.xp, u.content_id::VARCHAR, u.reason
    FROM achievements_unreached u JOIN achievements a USING (content_id)
    UNION ALL
    SELECT x.entry_id, x.player_key, x.as_of, 'challenge', c.content_type, c.title, 1, -x.xp, c.content_id::VARCHAR, x.reason
    FROM xp_ledger x JOIN challenges c ON c.content_id = try_cast(split_part(x.entry_id, ':', 2) AS UUID)
    WHERE x.xp < 0 AND starts_with(x.entry_id, 'challenge:')
    UNION ALL
    SELECT entry_id, player_key, as_of, kind, item, item, -amount, 0, content_id::VARCHAR, reason
    FROM reward_ledger WHERE amount < 0 AND kind <> 'badge'
)
SELECT p.user_id, t.* EXCLUDE player_key
FROM taken t LEFT JOIN players p USING (player_key)
WHERE t.revoked_on <= $as_of
