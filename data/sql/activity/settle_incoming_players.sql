-- What becomes of each row of `incoming_players`: new, known (here already) or conflict (another of the same moment).

CREATE OR REPLACE TEMP TABLE settled_players AS
WITH described AS (
    SELECT i.rowid AS row, p.player_key, i.*,
           hash(timezone, language, born_on, joined_at, opted_out, attributes) AS content
    FROM incoming_players AS i JOIN players AS p USING (user_id)
),
first_rows AS (
    SELECT player_key, recorded_at, min(row) AS row, arg_min(content, row) AS content
    FROM described GROUP BY player_key, recorded_at
),
here AS (
    SELECT player_key, recorded_at,
           any_value(hash(timezone, language, born_on, joined_at, opted_out, CAST(attributes AS VARCHAR))) AS content
    FROM player_records GROUP BY player_key, recorded_at
)
SELECT described.*,
       CASE WHEN here.player_key IS NOT NULL AND here.content = described.content THEN 'known'
            WHEN here.player_key IS NOT NULL THEN 'conflict'
            WHEN first_rows.row = described.row THEN 'new'
            WHEN first_rows.content = described.content THEN 'known'
            ELSE 'conflict' END AS fate
FROM described
JOIN first_rows USING (player_key, recorded_at)
LEFT JOIN here USING (player_key, recorded_at);
