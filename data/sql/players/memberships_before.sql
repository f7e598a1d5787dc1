-- What players counted as after the last night before $as_of, of nights that began by $started_at: a later revision of an
-- earlier night changes nothing for a night that is made again.
SELECT m.player_key, m.kind, arg_max(m.name, (m.as_of, m.revision)) AS name
FROM memberships m JOIN nights n ON n.as_of = m.as_of AND n.revision = m.revision
WHERE m.as_of < $as_of AND n.started_at <= $started_at
GROUP BY m.player_key, m.kind
ORDER BY m.player_key, m.kind
