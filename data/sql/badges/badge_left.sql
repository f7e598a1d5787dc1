-- What is still to be walked: without what was walked in `badge_next`, and whose line was `found` (player_key, badge_id, round_no).
CREATE OR REPLACE TEMP TABLE badge_due AS
FROM badge_due ANTI JOIN badge_next USING (player_key, badge_id, day_no) ANTI JOIN found USING (player_key, badge_id, round_no);
