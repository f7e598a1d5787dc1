"""What players mostly choose where the app file says that they choose: how long they mean to stay, and what for."""

import datetime as dt

import polars as pl

from configs.app import App
from pipelines.known import Known

DAYS = 90


def describe_preferences(known: Known, who: pl.DataFrame) -> pl.DataFrame:
    """What each player chose in the last 90 days, for each of the app's `profile.preferences`.

    Args:
        known: What the night may see.
        who: player_key.

    Returns:
        player_key and preferences, a Struct with a field for each: {value, share, times} of text and truth values (the
        commonest, ties by its text), {value, times} of numbers (the median); null where nothing was chosen. Null
        throughout where the app asks for none.
    """
    app = known.app
    if not app.profile.preferences:
        return who.select("player_key", preferences=pl.lit(None, pl.String))
    chosen, wanted = _chosen(known, who), _wanted(app)
    rows = who.select("player_key")
    for name, numeric in wanted.select("name", "numeric").iter_rows():
        mine = chosen.filter(name=name)
        told = ("median", "times") if numeric else ("value", "share", "times")
        field = pl.struct(pl.col(told[0]).alias("value"), *told[1:]).alias(name)
        rows = rows.join(mine.select("player_key", field), on="player_key", how="left", maintain_order="left")
    return rows.select("player_key", preferences=pl.struct(wanted["name"].to_list()))


def _wanted(app: App) -> pl.DataFrame:
    """name, event, path, numeric: a row for each preference."""
    return pl.DataFrame(
        [
            {
                "name": name,
                "event": wish.event,
                "path": f"$.{wish.of}",
                "numeric": app.events[wish.event].properties[wish.of].type in ("number", "integer"),
            }
            for name, wish in app.profile.preferences.items()
        ]
    )


def _chosen(known: Known, who: pl.DataFrame) -> pl.DataFrame:
    """player_key, name, value (the commonest), share, median (of numbers), times."""
    since = known.base_day - dt.timedelta(days=DAYS)
    pins = {"cut": known.cut, "since": since, "base_day": known.base_day}
    with known.lend(asked=who, wanted=_wanted(known.app).drop("numeric")):
        return known.frame(known.fixed("players/preferences"), pins)
