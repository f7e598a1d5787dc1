-- Achievements of `hits` (content_id, reached_at, again) that were reached anew and have to wait, since the night $as_of would pay more
-- with them than `bound` (item, most) lets it: from the first that does not fit on, in the order in which they were reached. The first of
-- all goes where the night pays nothing else of these items.
WITH promised AS (
    SELECT content_id::VARCHAR AS content_id, item, most, sum(amount) AS amount
    FROM promised_rewards JOIN bound USING (item) GROUP BY ALL
),
tonight AS (
    SELECT s.content_id::VARCHAR AS content_id
    FROM settlements s LEFT JOIN settlements b ON b.content_id = s.content_id AND b.revision = s.revision - 1
    WHERE s.as_of = $as_of AND s.xp > coalesce(b.xp, 0)
    UNION SELECT content_id::VARCHAR FROM achievements_reached WHERE as_of = $as_of
    UNION SELECT content_id FROM hits WHERE again = ''
),
spent AS (SELECT item, sum(amount) AS spent FROM promised SEMI JOIN tonight USING (content_id) GROUP BY item),
anew AS (
    SELECT content_id, dense_rank() OVER (ORDER BY reached_at, content_id) AS place,
           most < coalesce(spent, 0) + sum(amount) OVER (PARTITION BY item ORDER BY reached_at, content_id) AS over
    FROM promised JOIN (FROM hits WHERE again <> '') h USING (content_id) LEFT JOIN spent USING (item)
)
SELECT DISTINCT content_id FROM anew
WHERE place >= (SELECT min(place) FROM anew WHERE over AND (place > 1 OR EXISTS (FROM spent)))
ORDER BY content_id
