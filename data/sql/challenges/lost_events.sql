-- Settled challenges of metrics that still count, with an event in their window that was taken back since the night that
-- settled them. Parameters: as_of, cut.
SELECT DISTINCT c.content_id::VARCHAR AS content_id
FROM retracted_events t
JOIN challenges c ON c.player_key = t.player_key AND t.day BETWEEN c.valid_from AND c.valid_until
SEMI JOIN metrics USING (metric)
JOIN (SELECT content_id, max(as_of) AS as_of FROM settlements WHERE as_of < $as_of GROUP BY content_id) s
    ON s.content_id = c.content_id
JOIN (SELECT as_of, max(cut) AS cut, max(started_at) AS started_at FROM nights GROUP BY as_of) n ON n.as_of = s.as_of
WHERE t.retracted_at <= $cut AND (t.retracted_at > n.cut OR t.moved_at > n.started_at)
