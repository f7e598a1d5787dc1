-- The first moment at which the clocks of $zone show $wall or later. No clock is more than 15 hours from UTC's.
SELECT timezone('UTC', min(moment))
FROM range(timezone('UTC', $wall::TIMESTAMP) - INTERVAL 15 HOUR, timezone('UTC', $wall::TIMESTAMP) + INTERVAL 15 HOUR,
           INTERVAL 1 MINUTE) AS minutes(moment)
WHERE timezone($zone, moment) >= $wall
