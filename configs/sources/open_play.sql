-- Open Play: sessions of a reaction-time game (Ballou et al., doi:10.5281/zenodo.17536656), a row a session: player_id, wave,
-- played_at, device_type, n_trials, score (right less wrong answers), mean_rt_ms, age. Waves are about four weeks apart.
--
-- Not read: age (nothing here rests on it) and the table of single trials, of which the session is the sum. What cannot be read
-- as a number stays as it is, so that one bad row is quarantined and the rest goes in.
SELECT 'session:' || s.player_id || ':' || strftime(TRY_CAST(s.played_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC', '%Y%m%dT%H%M%S')
           AS event_id,
       s.player_id AS user_id, 'session' AS event, TRY_CAST(s.played_at AS TIMESTAMPTZ) AS occurred_at,
       json_object('wave', CAST(s.wave AS VARCHAR), 'device', s.device_type,
                   'signals', coalesce(to_json(TRY_CAST(s.n_trials AS BIGINT)), to_json(s.n_trials)),
                   'score', coalesce(to_json(TRY_CAST(s.score AS BIGINT)), to_json(s.score)),
                   'reaction_ms', coalesce(to_json(round(TRY_CAST(s.mean_rt_ms AS DOUBLE), 1)), to_json(s.mean_rt_ms))
       ) AS properties,
       s._delivery_id, s._row
FROM raw_sessions AS s
