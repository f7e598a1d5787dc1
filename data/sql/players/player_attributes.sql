-- What the newest records known by $cut of `chosen` (player_key) hold under the names in $names: JSON text of a player's.
WITH known AS (
    SELECT player_key, recorded_at, available_at, attributes, unnest($names::VARCHAR[]) AS name
    FROM player_records SEMI JOIN chosen USING (player_key)
    WHERE available_at <= $cut AND attributes IS NOT NULL
),
newest AS (
    SELECT player_key, name, attributes ->> ('$."' || name || '"') AS value FROM known
    QUALIFY row_number() OVER (PARTITION BY player_key, name ORDER BY recorded_at DESC, available_at DESC) = 1
)
SELECT player_key, to_json(map(list(name ORDER BY name), list(value ORDER BY name)))::VARCHAR AS attributes
FROM newest WHERE value IS NOT NULL
GROUP BY player_key
ORDER BY player_key
