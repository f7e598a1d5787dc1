"""When players may be told something: the stretch outside of an app's quiet hours, by each player's own clock."""

import datetime as dt

import polars as pl

from data import zones
from pipelines.known import Known

_DAY = dt.timedelta(days=1)


def send_times(known: Known) -> pl.DataFrame:
    """player_key, send_after, send_before (UTC): when a player may be told what a night brings.

    The first stretch outside of the quiet hours that ends after the player's day served has begun, and after the
    night's cut; it begins no earlier than that day. No rows where the app has no quiet hours.
    """
    zoned = known.zones() if known.app.quiet_hours else known.zones().clear()
    stretches = {zone: _stretch(known, zone) for zone in zoned["zone"].unique()}
    moment = pl.Datetime("us", "UTC")
    times = pl.DataFrame(
        [(zone, *stretch) for zone, stretch in stretches.items()],
        schema={"zone": pl.String, "send_after": moment, "send_before": moment},
        orient="row",
    )
    return zoned.join(times, on="zone", maintain_order="left").drop("zone")


def _stretch(known: Known, zone: str) -> tuple[dt.datetime, dt.datetime]:
    quiet = known.app.quiet_hours
    if quiet is None:
        raise ValueError("the app has no quiet hours")
    begin, end = quiet.clock
    starts = zones.day_start(zone, known.as_of, known.app.day_shift)
    day = known.as_of - _DAY
    while True:
        after = zones.day_start(zone, day, end)
        before = zones.day_start(zone, day if begin > end else day + _DAY, begin)
        if before > max(starts, known.cut) and before > after:
            return max(after, starts), before
        day += _DAY
