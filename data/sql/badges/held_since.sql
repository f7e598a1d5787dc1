-- Since which night each nominee is held: left to a person by every verdict since the last that was none, up to $as_of.
SELECT v.badge_id, v.player_key, v.rule_version, min(v.as_of) AS since
FROM verdicts v
LEFT JOIN (SELECT badge_id, player_key, rule_version, max(as_of) AS ended FROM verdicts
           WHERE decision <> 'hold' AND as_of <= $as_of GROUP BY ALL) e USING (badge_id, player_key, rule_version)
WHERE v.decision = 'hold' AND v.as_of <= $as_of AND (e.ended IS NULL OR v.as_of > e.ended)
GROUP BY ALL
