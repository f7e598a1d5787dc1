-- What the texts written from $since to $as_of cost: each one's share of its answer, lost contests included.
SELECT b.content_type, t.ai_provider, t.prompt_version, sum(t.cost_usd) AS cost_usd
FROM texts t JOIN briefs b USING (brief_id)
WHERE t.made_on BETWEEN $since AND $as_of
GROUP BY b.content_type, t.ai_provider, t.prompt_version
