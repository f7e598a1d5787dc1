-- The earliest local day that the clocks of $zone show at $moment or within three hours of it: no clock is put back by more.
SELECT min((timezone($zone, moment) - $shift)::DATE)
FROM range($moment::TIMESTAMPTZ, $moment::TIMESTAMPTZ + INTERVAL 3 HOUR, INTERVAL 1 MINUTE) AS minutes(moment)
