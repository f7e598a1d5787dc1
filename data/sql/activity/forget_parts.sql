-- Take away the parts of the player-days in `touched` (player_key, day).

DELETE FROM player_days USING touched WHERE player_days.player_key = touched.player_key AND player_days.day = touched.day;

DELETE FROM player_day_keys USING touched WHERE player_day_keys.player_key = touched.player_key AND player_day_keys.day = touched.day;

DELETE FROM active_days USING touched WHERE active_days.player_key = touched.player_key AND active_days.day = touched.day;
