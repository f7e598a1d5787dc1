-- Custom achievements reached by the night $as_of, as awards. `share`: of the players active when each was issued, who had come as far.
SELECT a.content_id::VARCHAR AS award_id, a.player_key, 'achievement:' || a.metric AS badge_id, r.as_of, a.title, a.language, a.tier, a.category,
       a.reached_share AS share, r.reached_at AS granted_at, 1.0::DOUBLE AS confidence, a.metric, a.target,
       to_json(struct_pack(rule := a.metric || ' >= ' || a.target, "values" := map([a.metric], [r.value]),
                           event_id := r.event_id))::VARCHAR AS evidence,
       'achievement' AS rule_version
FROM achievements a JOIN achievements_at($as_of) r USING (content_id)
ORDER BY granted_at, award_id
