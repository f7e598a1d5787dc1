-- Players of each arm by the night that first assigned them, and by the night whose content was first shown to them, with the
-- chances that the arms had that night; every player once.
WITH firsts AS (
    SELECT 'assigned' AS stage, as_of, revision, arm FROM experiment_content
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY as_of, content_id) = 1
    UNION ALL
    SELECT 'shown', as_of, revision, arm FROM experiment_content WHERE shown_on IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY as_of, content_id) = 1
),
nights AS (SELECT DISTINCT stage, as_of, revision FROM firsts)
SELECT n.stage, n.as_of::VARCHAR || '/' || n.revision AS night, a.arm, a.propensity, count(f.arm) AS players
FROM nights n
JOIN experiment_arms a ON a.experiment = $experiment AND a.as_of = n.as_of AND a.revision = n.revision
LEFT JOIN firsts f ON f.stage = n.stage AND f.as_of = n.as_of AND f.revision = n.revision AND f.arm = a.arm
GROUP BY ALL
ORDER BY n.stage, night, a.arm
