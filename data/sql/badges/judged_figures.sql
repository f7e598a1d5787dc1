-- How the night's judgements went. Input: `judged` (badge_id, rule_version). Parameters: as_of, revision.
WITH stands AS (
    SELECT v.* FROM verdicts v SEMI JOIN judged USING (badge_id, rule_version)
    WHERE as_of < $as_of OR as_of = $as_of AND revision <= $revision
    QUALIFY row_number() OVER (PARTITION BY badge_id, player_key, rule_version ORDER BY as_of DESC, revision DESC) = 1
),
open AS (
    SELECT badge_id, player_key, rule_version FROM nominations SEMI JOIN judged USING (badge_id, rule_version)
    WHERE as_of <= $as_of
    EXCEPT SELECT badge_id, player_key, rule_version FROM stands WHERE decision <> 'award'  -- of which some were taken back
)
SELECT count(*) FILTER (as_of = $as_of AND decided_by <> 'person' AND decision <> 'lapse') AS nominees,
       count(*) FILTER (as_of = $as_of AND decision = 'award' AND decided_by <> 'person') AS awarded,
       count(*) FILTER (as_of = $as_of AND decision = 'hold') AS held,
       count(*) FILTER (as_of = $as_of AND decision = 'refuse' AND decided_by <> 'person') AS refused,
       count(*) FILTER (as_of = $as_of AND decided_by = 'person') AS by_person,
       count(*) FILTER (as_of = $as_of AND decision = 'lapse') AS lapsed,
       count(*) FILTER (decision = 'hold') AS held_in_all,
       (SELECT count(*) FROM open ANTI JOIN badge_ledger USING (badge_id, player_key)) AS waiting
FROM stands
