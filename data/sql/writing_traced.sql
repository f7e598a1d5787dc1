-- Of the briefs that got new texts on the night $as_of the first $most by hash: their texts, in order, with the call of each.
WITH chosen AS (
    SELECT brief_id, md5(brief_id || $as_of::VARCHAR) AS place FROM texts WHERE made_on = $as_of
    GROUP BY brief_id ORDER BY place LIMIT $most
)
SELECT b.brief_id, b.content_type, b.persona, b.metric, b.difficulty, b.language, b.occasion, b.profile <> '' AS personal,
       t.title, t.text, t.call_key, t.serves
FROM texts t JOIN chosen c USING (brief_id) JOIN briefs b USING (brief_id)
WHERE t.made_on = $as_of
ORDER BY c.place, t.place, t.variant
