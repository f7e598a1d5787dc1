"""How players, or their teams, are placed in the lists that an app file asks for, by what a metric came to."""

import datetime as dt

import polars as pl

from pipelines.known import Known
from pipelines.players.standing import strength
from pipelines.windows import window_values

RANKINGS: dict[str, pl.DataType] = {
    "player_key": pl.Int64(),
    "ranking": pl.String(),
    "metric": pl.String(),
    "days": pl.Int32(),
    "cohort": pl.String(),
    "team": pl.String(),
    "place": pl.Int32(),
    "players": pl.Int32(),
    "value": pl.Float64(),
    "next_value": pl.Float64(),
}
_AMONG = ("ranking", "cohort")
FEWEST_MEMBERS = 3  # a smaller team is not listed: what it came to would be what somebody did


def rank_players(known: Known, players: pl.DataFrame) -> pl.DataFrame:
    """Each player's place, or that of their team, in each of the app's `profile.rankings`.

    Listed are players who have done any of it, and teams of which somebody has. Of a team the value is the mean of its
    members, who are those of `players` whose record names it: more of them make it no stronger. Who has the same value
    shares a place, and the one behind them stands as many places further.

    Args:
        known: What the night may see.
        players: player_key and cohort of whoever is to be listed.

    Returns:
        Columns RANKINGS, by player and ranking; cohort is null where everybody is listed together, team where players
        are, next_value is that of whoever is next before the player or the team, null for the first.
    """
    asked = known.app.profile.rankings
    if not asked or players.is_empty():
        return pl.DataFrame(schema=RANKINGS)
    lists = pl.DataFrame(
        [(name, one.metric, one.days, one.among == "cohort", one.teams) for name, one in asked.items()],
        {"ranking": pl.String, "metric": pl.String, "days": pl.Int32, "apart": pl.Boolean, "teams": pl.String},
        orient="row",
    )
    windows = players.select("player_key", "cohort").join(lists, on=None, how="cross").with_row_index("window_id")
    windows = windows.with_columns(
        cohort=pl.when("apart").then("cohort"),
        start_day=pl.lit(known.base_day) - pl.duration(days="days"),
        end_day=pl.lit(known.base_day - dt.timedelta(days=1)),
    )
    rows = window_values(known, windows)
    alone = rows.filter((pl.col("teams") == "") & (pl.col("value") != 0)).with_columns(team=pl.lit(None, pl.String))
    members = _members(known, rows.filter(pl.col("teams") != ""))
    lower = pl.col("metric").is_in([name for name, metric in known.app.metrics.items() if metric.better == "lower"])
    teams = _placed(_of_teams(members), lower)
    placed = pl.concat(
        [_placed(alone, lower), members.drop("value").join(teams, on=["ranking", "team"], how="inner", suffix="_team")],
        how="diagonal",
    )
    return placed.select(pl.col(name).cast(kind) for name, kind in RANKINGS.items()).sort("player_key", "ranking")


def _members(known: Known, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of players whose record, as the night knows it, says of which team they are, with `team`."""
    names = rows["teams"].unique().sort().to_list()
    if not names:
        return rows.with_columns(team=pl.lit(None, pl.String))
    with known.lend(chosen=rows.select("player_key").unique()):
        told = known.frame(known.fixed("players/player_attributes"), {"cut": known.cut, "names": names})
    said = told.select("player_key", pl.col("attributes").str.json_decode(pl.Struct(dict.fromkeys(names, pl.String))))
    teams = said.unnest("attributes").unpivot(names, index="player_key", variable_name="teams", value_name="team")
    return rows.join(teams.drop_nulls("team"), on=["player_key", "teams"], how="inner", maintain_order="left")


def _of_teams(members: pl.DataFrame) -> pl.DataFrame:
    """ranking, metric, cohort, team and value of every team that is large enough and has done any of it."""
    known = members.drop_nulls("value").group_by("ranking", "metric", "cohort", "team")
    teams = known.agg(pl.col("value").mean().round(2), size=pl.len())
    return teams.filter((pl.col("size") >= FEWEST_MEMBERS) & (pl.col("value") != 0)).drop("size")


def _placed(rows: pl.DataFrame, lower: pl.Expr) -> pl.DataFrame:
    """Rows of metric and value with their place in each list, how many are in it, and what is next before them."""
    rows = rows.with_columns(
        strength=pl.when(lower).then(strength("value", "lower")).otherwise(strength("value", "higher"))
    )
    rows = rows.with_columns(
        place=pl.col("strength").rank("min", descending=True).over(_AMONG), players=pl.len().over(_AMONG)
    )
    steps = rows.select(*_AMONG, "place", "value").unique().sort("ranking", "cohort", "place")
    steps = steps.with_columns(next_value=pl.col("value").shift(1).over(_AMONG)).drop("value")
    return rows.join(steps, on=[*_AMONG, "place"], how="left", nulls_equal=True)
