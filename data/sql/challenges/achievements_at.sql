-- The achievements that were reached at a night: by it or before, and not taken back by then.
CREATE OR REPLACE TEMP MACRO achievements_at(night) AS TABLE
SELECT * FROM achievements_reached WHERE as_of <= night
UNION ALL BY NAME
SELECT * EXCLUDE (revoked_on, reason) FROM achievements_unreached WHERE as_of <= night AND revoked_on > night;

-- Tells the ledgers' entries of an achievement that is reached again from the earlier ones.
CREATE OR REPLACE TEMP MACRO reached_again(content) AS
    (SELECT CASE WHEN count(*) = 0 THEN '' ELSE ':again/' || count(*) END FROM achievements_unreached WHERE content_id = content);
