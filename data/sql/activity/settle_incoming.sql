-- What becomes of each row of `incoming`: new, known (here already) or conflict (its id is here with other content).

CREATE OR REPLACE TEMP TABLE identified AS
SELECT rowid AS row, *, event_id AS id FROM incoming WHERE event_id IS NOT NULL
UNION ALL
SELECT rowid, *,
       'row:' || content || ':' || row_number() OVER (PARTITION BY delivery_id, content_hash, content ORDER BY rowid)
FROM incoming WHERE event_id IS NULL;

CREATE OR REPLACE TEMP TABLE settled AS
WITH first_rows AS (
    SELECT id, min(row) AS row, arg_min(content_hash, row) AS content_hash FROM identified GROUP BY id
),
here AS (
    SELECT event_id AS id, content_hash FROM events WHERE event_id IN (SELECT id FROM first_rows)
)
SELECT identified.*,
       CASE WHEN here.id IS NOT NULL AND here.content_hash = identified.content_hash THEN 'known'
            WHEN here.id IS NOT NULL THEN 'conflict'
            WHEN first_rows.row = identified.row THEN 'new'
            WHEN first_rows.content_hash = identified.content_hash THEN 'known'
            ELSE 'conflict' END AS fate
FROM identified
JOIN first_rows USING (id)
LEFT JOIN here USING (id);
