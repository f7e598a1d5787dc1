"""What each player likes and what is worn out, told by their answers: ratings, dismissals, and what they did."""

import datetime as dt

import polars as pl

from pipelines.known import Known

DAYS = 90  # of nights whose challenges count
PRIOR = 2.0  # answers of no opinion that a player's own stand against
WEARS_OUT = 3.0  # so many in a row that went badly, and a metric is worn out
LIKED, SURE = 0.25, 3  # what is told as preferred, and after how many answers
TASTES: dict[str, pl.DataType] = {
    "player_key": pl.Int64(),
    "metric": pl.String(),
    "answered": pl.Int32(),
    "rated": pl.Int32(),
    "mean_rating": pl.Float64(),
    "dismissed": pl.Int32(),
    "kept_rate": pl.Float64(),
    "median_minutes_from_shown": pl.Float64(),
    "liking": pl.Float64(),
    "worn": pl.Float64(),
}
NO_TASTES = pl.DataFrame(schema=TASTES)


def describe_tastes(known: Known) -> pl.DataFrame:
    """Each player's liking of each metric that they answered challenges about in the last 90 days; kept for the night.

    liking = sum w s / (sum w + 2), -1 to 1, where s is what an answer says (see `player_tastes.sql`) and w halves every
    30 days. worn, 0 to 1, is the share of three: challenges of the last 28 days that were dismissed, missed after being
    shown, or rated 2 or less, since one last went well.

    Returns:
        Columns TASTES, by player and metric; no rows where nothing was answered.
    """
    return known.once("tastes", lambda: _describe(known))


def liked_most(tastes: pl.DataFrame) -> pl.DataFrame:
    """player_key, liked: the metric that a player likes best, of those who have told enough to be sure."""
    sure = tastes.filter((pl.col("liking") >= LIKED) & (pl.col("answered") >= SURE))
    best = sure.sort("player_key", "liking", "metric", descending=[False, True, False])
    return best.unique("player_key", keep="first", maintain_order=True).select("player_key", liked="metric")


def _describe(known: Known) -> pl.DataFrame:
    since = known.as_of - dt.timedelta(days=DAYS)
    heard = known.value(
        """SELECT true FROM reserved_at($cut)
           WHERE event IN ('nightquest.shown', 'nightquest.rated', 'nightquest.dismissed')
             AND day >= $since AND day < $as_of LIMIT 1""",
        {"since": since, "as_of": known.as_of, "cut": known.cut},
    )
    if not heard:
        return NO_TASTES
    pins = {"since": since, "as_of": known.as_of, "cut": known.cut, "prior": PRIOR, "wears_out": WEARS_OUT}
    with known.lend(**known.what_is_over()):
        found = known.frame(known.fixed("players/player_tastes"), pins)
    return found.select(pl.col(name).cast(kind) for name, kind in TASTES.items())
