-- Players that an older version took in.
UPDATE players SET bucket = player_bucket(player_key) WHERE bucket IS NULL;
