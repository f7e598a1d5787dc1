-- What becomes of each row of `incoming`: new, known (here already) or conflict (its id is here with other content).
-- Nearly all are new, so only the others are written down.

-- Ids of rows that came without one: their content and its count among identical rows of the delivery.
CREATE OR REPLACE TEMP TABLE made_ids AS
SELECT rowid AS row,
       'row:' || content || ':' || row_number() OVER (PARTITION BY delivery_id, content_hash, content ORDER BY rowid) AS made
FROM incoming WHERE event_id IS NULL;

CREATE OR REPLACE TEMP VIEW identified AS
SELECT i.rowid AS row, i.*, coalesce(i.event_id, m.made) AS id FROM incoming AS i LEFT JOIN made_ids AS m ON m.row = i.rowid;

CREATE OR REPLACE TEMP TABLE not_new AS
WITH ids AS (SELECT row, id, content_hash FROM identified),
again AS (
    SELECT id, min(row) AS row, arg_min(content_hash, row) AS content_hash FROM ids GROUP BY id HAVING count(*) > 1
),
here AS (
    SELECT event_id AS id, content_hash FROM events WHERE event_id IN (SELECT id FROM ids)
    UNION ALL -- what vanished from its source may come back
    SELECT event_id, content_hash FROM retracted_events
    WHERE retraction_id IS NOT NULL AND event_id IN (SELECT id FROM ids)
    UNION ALL
    SELECT retraction_id, content_hash FROM retractions WHERE retraction_id IN (SELECT id FROM ids)
),
first_rows AS ( -- of each id that stands more than once, here or in the files
    SELECT id, -1 AS row, content_hash FROM here
    UNION ALL
    FROM again ANTI JOIN here USING (id)
)
SELECT ids.row, CASE WHEN f.content_hash = ids.content_hash THEN 'known' ELSE 'conflict' END AS fate
FROM ids JOIN first_rows AS f USING (id)
WHERE f.row <> ids.row;

CREATE OR REPLACE TEMP VIEW settled AS
SELECT identified.*, coalesce(fate, 'new') AS fate FROM identified LEFT JOIN not_new USING (row);
