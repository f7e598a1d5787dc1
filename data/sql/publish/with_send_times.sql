-- The messages `told` with send_after and send_before, ISO 8601 in UTC, among their metadata.
-- Input: `times` (player_key, send_after, send_before).
SELECT told.* REPLACE (
           json_merge_patch(
               coalesce(metadata, '{}'),
               json_object('send_after', strftime(send_after AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'),
                           'send_before', strftime(send_before AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')))::VARCHAR
           AS metadata)
FROM told
LEFT JOIN players USING (user_id)
LEFT JOIN times USING (player_key)
