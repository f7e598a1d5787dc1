-- What the players of `asked` (player_key) read from $since to $until, a row for each time: player_key, variant.
SELECT player_key, variant
FROM (SELECT player_key, variant FROM challenges WHERE as_of BETWEEN $since AND $until
      UNION ALL SELECT player_key, variant FROM messages WHERE as_of BETWEEN $since AND $until
      UNION ALL SELECT player_key, variant FROM achievements WHERE as_of BETWEEN $since AND $until)
SEMI JOIN asked USING (player_key)
