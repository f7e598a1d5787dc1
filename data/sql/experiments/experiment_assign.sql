-- Who is in which arm: a race of exponential times with the arms' weights as rates (weighted rendezvous hashing). Each time
-- comes from a hash of experiment, arm and player, so that it never changes, and an arm wins with its share of the weights.
-- Input: `arms` (arm, weight), `players` (player_key, user_id).
WITH times AS (
    SELECT p.player_key, a.arm, a.weight,
           -ln((('0x' || sha256($experiment || chr(31) || a.arm || chr(31) || p.user_id)[1:13])::BIGINT + 0.5) / (1::BIGINT << 52))
               / a.weight AS run_time
    FROM players p CROSS JOIN arms a
),
first AS (
    SELECT player_key, arg_min(arm, (run_time, arm)) AS arm FROM times GROUP BY player_key
)
SELECT first.player_key, first.arm, arms.weight / sum_of.weight AS propensity
FROM first JOIN arms USING (arm) CROSS JOIN (SELECT sum(weight) AS weight FROM arms) sum_of
ORDER BY first.player_key
