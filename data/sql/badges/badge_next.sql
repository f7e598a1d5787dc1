-- The days of `badge_due` to walk next, of each player, badge and round up to the first on which the line was crossed at the
-- latest; `badge_walked` are these days, each once.
CREATE OR REPLACE TEMP TABLE badge_next AS
SELECT player_key, badge_id, day_no, round_no FROM badge_due
QUALIFY day_no <= coalesce(min(day_no) FILTER (ends) OVER (PARTITION BY player_key, badge_id, round_no), day_no);

CREATE OR REPLACE TEMP TABLE badge_walked AS SELECT DISTINCT player_key, day_no FROM badge_next;
