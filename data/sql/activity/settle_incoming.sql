-- What becomes of each row of `incoming`: new, known (here already) or conflict (its id is here with other content).
-- Nearly all are new, so only the others are written down.

-- Of rows without an id that stand again in their delivery: the how manieth each is, from the second on.
CREATE OR REPLACE TEMP TABLE repeats AS
WITH bare AS (SELECT rowid AS row, delivery_id, content_hash, content FROM incoming WHERE event_id IS NULL)
SELECT row, row_number() OVER (PARTITION BY delivery_id, content_hash, content ORDER BY row) AS nth
FROM bare SEMI JOIN (SELECT content_hash FROM bare GROUP BY content_hash HAVING count(*) > 1) USING (content_hash)
QUALIFY nth > 1;

-- A row that came without an id is known by its content and its count among identical rows of the delivery.
CREATE OR REPLACE TEMP VIEW identified AS
SELECT i.rowid AS row, i.*, coalesce(i.event_id, 'row:' || i.content || ':' || coalesce(r.nth, 1)) AS id
FROM incoming AS i LEFT JOIN repeats AS r ON r.row = i.rowid;

CREATE OR REPLACE TEMP TABLE not_new AS
WITH ids AS (SELECT row, id, content_hash, hash(id) AS h FROM identified),
again AS ( -- ids are told apart only where their hashes are alike
    SELECT id, min(row) AS row, arg_min(content_hash, row) AS content_hash
    FROM ids SEMI JOIN (SELECT h FROM ids GROUP BY h HAVING count(*) > 1) USING (h)
    GROUP BY id HAVING count(*) > 1
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
