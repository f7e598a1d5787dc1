-- The awards that stood at a night: granted by it or before, and not revoked by then.
CREATE OR REPLACE TEMP MACRO badges_at(night) AS TABLE
SELECT * FROM badge_ledger WHERE as_of <= night
UNION ALL BY NAME
SELECT * EXCLUDE (revoked_on, reason) FROM revoked_awards WHERE as_of <= night AND revoked_on > night;
