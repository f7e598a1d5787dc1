-- Every award up to a night, with the evidence that counts by then, with what the app file says of the badge, in the language that its
-- holder reads, and its rarity tonight; one of which nothing is told has its id as title. Input: `told` (badge_id, title, tier,
-- category, prestige, rarity), `titles` (badge_id, language, title), `languages_read` (player_key, language), and `reached`, the
-- achievements that are held as badges, in these columns. Parameter: as_of.
SELECT h.award_id, h.player_key, h.badge_id, h.as_of, coalesce(s.title, t.title, h.badge_id) AS title, t.tier, t.category, t.prestige,
       t.rarity, h.granted_at, h.confidence, coalesce(m.evidence, h.evidence)::VARCHAR AS evidence,
       coalesce(m.citation, h.citation) AS citation, h.rule_version
FROM badges_at($as_of) h
LEFT JOIN told t USING (badge_id)
LEFT JOIN languages_read l ON l.player_key = h.player_key
LEFT JOIN titles s ON s.badge_id = h.badge_id AND s.language = l.language
LEFT JOIN (SELECT award_id, arg_max(evidence, as_of) AS evidence, arg_max(citation, as_of) AS citation
           FROM award_moments WHERE as_of <= $as_of GROUP BY award_id) m ON m.award_id = h.award_id
UNION ALL BY NAME
FROM reached
