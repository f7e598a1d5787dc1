-- Of `counted` (player_key, kind, name) what is new with the night $as_of, $revision.
SELECT c.player_key, c.kind, $as_of AS as_of, $revision AS revision, c.name
FROM counted c
LEFT JOIN (
    SELECT player_key, kind, arg_max(name, (as_of, revision)) AS name
    FROM memberships WHERE (as_of, revision) <= ($as_of, $revision)
    GROUP BY player_key, kind
) m USING (player_key, kind)
WHERE m.name IS DISTINCT FROM c.name
ORDER BY c.player_key, c.kind
