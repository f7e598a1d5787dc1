-- How many badges and achievements the night $as_of took back, and how many that people gave the players of `players_hit` hold still;
-- how many rest on something else since, and how many are kept though they are earned no longer.
-- Parameters: as_of, cut.
SELECT (SELECT count(*) FROM revoked_awards WHERE revoked_on = $as_of),
       (SELECT count(*) FROM achievements_unreached WHERE revoked_on = $as_of),
       (SELECT count(*) FROM badge_ledger l SEMI JOIN players_hit USING (player_key)
        SEMI JOIN (FROM events_at($cut) WHERE event = 'nightquest.awarded') e ON e.event_id = l.event_id
        WHERE l.as_of < $as_of),
       (SELECT count(*) FROM award_moments SEMI JOIN badge_ledger USING (award_id) WHERE as_of = $as_of AND event_id IS NOT NULL),
       (SELECT count(*) FROM award_moments SEMI JOIN badge_ledger USING (award_id)
        WHERE as_of = $as_of AND event_id IS NULL AND evidence ->> '$.kept.as_of' = $as_of::DATE::VARCHAR)
