"""Time zones by the pinned tzdata package alone: the same names and rules on every machine, whatever its system has."""

import os
import zoneinfo

os.environ["PYTHONTZPATH"] = ""  # for the processes that this one starts
zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()


def zone_names() -> set[str]:
    """Every IANA time zone there is."""
    return zoneinfo.available_timezones()
