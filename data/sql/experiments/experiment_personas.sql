-- Which persona each player of an experiment counted as on the first night that put them into an arm, before anything of it
-- could move them. Input: `experiment_content`.
WITH begun AS (SELECT player_key, min(as_of) AS as_of FROM experiment_content GROUP BY player_key)
SELECT b.player_key, arg_max(m.name, (m.as_of, m.revision)) AS persona
FROM begun b
JOIN memberships m ON m.player_key = b.player_key AND m.kind = 'persona' AND m.as_of <= b.as_of
JOIN nights n ON n.as_of = m.as_of AND n.revision = m.revision
GROUP BY b.player_key
ORDER BY b.player_key
