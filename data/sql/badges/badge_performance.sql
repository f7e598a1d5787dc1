-- Play around awards and of comparable players without the badge, by badge. Of awards whose $days days afterwards are over,
-- the first of each player, on a day on which the player played. Comparable are players who played on the same day, as
-- often in the $days days before (bands of active days: 0, to 2, 5, 10, 18, more), and did not get the badge by the end.
-- Parameters: as_of, cut, days.
WITH active AS (SELECT player_key, day, day - DATE '1970-01-01' AS day_no FROM known_active_days WHERE day < $as_of),
firsts AS (
    SELECT badge_id, l.player_key, min_by(CASE WHEN e.occurred_at = l.granted_at THEN e.day ELSE l.granted_at::DATE END, l.granted_at) AS day
    FROM badge_ledger l LEFT JOIN events_at($cut) e USING (event_id) WHERE l.as_of <= $as_of GROUP BY badge_id, l.player_key
),
days_of_awards AS (SELECT DISTINCT day FROM firsts WHERE day + $days::INTEGER < $as_of),
around AS (
    SELECT player_key, day, before, after, returned,
           CASE WHEN before = 0 THEN 0 WHEN before <= 2 THEN 1 WHEN before <= 5 THEN 2 WHEN before <= 10 THEN 3
                WHEN before <= 18 THEN 4 ELSE 5 END AS band
    FROM (
        SELECT player_key, day,
               count(*) OVER (mine RANGE BETWEEN $days::INTEGER PRECEDING AND 1 PRECEDING) AS before,
               count(*) OVER (mine RANGE BETWEEN 1 FOLLOWING AND $days::INTEGER FOLLOWING) AS after,
               (count(*) OVER (mine RANGE BETWEEN 1 FOLLOWING AND 7 FOLLOWING) > 0)::INTEGER AS returned
        FROM active WINDOW mine AS (PARTITION BY player_key ORDER BY day_no)
    ) SEMI JOIN days_of_awards USING (day)
),
holders AS (SELECT f.badge_id, a.* FROM firsts f JOIN around a USING (player_key, day)),
cells AS (
    SELECT day, band, count(*) AS n, sum(before) AS before, sum(after) AS after, sum(returned) AS returned
    FROM around GROUP BY day, band
),
asked AS (SELECT DISTINCT badge_id, day, band FROM holders),
-- Who has the badge, or gets it within the days after, is comparable with nobody.
with_badge AS (
    SELECT q.badge_id, q.day, q.band, count(*) AS n, sum(a.before) AS before, sum(a.after) AS after,
           sum(a.returned) AS returned
    FROM asked q JOIN around a USING (day, band)
    JOIN firsts f ON f.badge_id = q.badge_id AND f.player_key = a.player_key AND f.day <= q.day + $days::INTEGER
    GROUP BY q.badge_id, q.day, q.band
),
others AS (
    SELECT badge_id, day, band, c.n - w.n AS n, (c.before - w.before) / (c.n - w.n) AS before,
           (c.after - w.after) / (c.n - w.n) AS after, (c.returned - w.returned) / (c.n - w.n) AS returned
    FROM with_badge w JOIN cells c USING (day, band) WHERE c.n > w.n
)
SELECT badge_id, count(*) AS compared, count(DISTINCT (day, band)) AS groups,
       avg(h.before)::DOUBLE AS before, avg(h.after)::DOUBLE AS after, avg(h.returned)::DOUBLE AS returned,
       avg(o.before)::DOUBLE AS others_before, avg(o.after)::DOUBLE AS others_after,
       avg(o.returned)::DOUBLE AS others_returned,
       avg(h.after - h.before - o.after + o.before)::DOUBLE AS difference,
       (stddev_samp(h.after - h.before - o.after + o.before) / sqrt(count(*)))::DOUBLE AS error
FROM holders h JOIN others o USING (badge_id, day, band)
GROUP BY badge_id ORDER BY badge_id
