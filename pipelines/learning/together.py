"""How often targets asked together are reached together, learned anew each night from the newest windows."""

from dataclasses import replace
from functools import partial

import polars as pl

from models.contest.split import recency
from models.given import SNAPSHOT, Samples
from models.joint import Joint
from pipelines.challenges.choose import EMPTY_RECENT, choose_challenges, worth_asking
from pipelines.challenges.implied import as_asked
from pipelines.challenges.missions import EMPTY_RECORD, in_question, mission_days, rank_missions
from pipelines.challenges.parts import each_part
from pipelines.challenges.propose import ChallengeModels, chance_of_play, open_windows, propose_targets
from pipelines.challenges.together import combine, parts_wanted
from pipelines.known import Known
from pipelines.learning.recalibrate import FEWEST_OUTCOMES, HALF_LIFE_DAYS, those_who_played
from pipelines.luck import luck
from pipelines.players.tastes import NO_TASTES
from pipelines.windows import completed

MOST_SNAPSHOTS = 1_500
BUSY = 0.5  # how many are looked at as if what they would have been asked that day were open
AIMS_APART = 0.1  # how far from the app's wanted chance that of a player is taken to be: evenly up to so far


def learn_together(known: Known, models: ChallengeModels, settled: Samples) -> Joint:
    """Learn from what missions would have come to for players of the last weeks who played.

    Args:
        known: What the night may see.
        models: Champions, recalibrated for the night.
        settled: Of `snapshots_lately`.
    """
    as_tonight = pl.col("lead_days") == min(known.night.lead_days, 1)
    of_missions = pl.col("window_days") == mission_days(known.app)
    outcomes = settled.labels.filter("played", as_tonight, of_missions)
    asked = would_have_set(known, models, replace(settled, labels=outcomes)).with_row_index("_mission")
    outcomes = outcomes.select(*SNAPSHOT, "metric", "window_days", "value")
    parts = each_part(asked, "_mission", *SNAPSHOT, "window_days")
    parts = parts.join(outcomes, on=[*SNAPSHOT, "metric", "window_days"], how="inner")
    hit = completed(pl.col("value"), pl.col("op"), pl.col("target"))
    kept = parts.group_by("_mission", maintain_order=True).agg(hit=hit.all())
    rows = asked.join(kept, on="_mission", how="inner", maintain_order="left")
    if rows.select(SNAPSHOT).n_unique() < FEWEST_OUTCOMES:
        return Joint()
    weights = recency(rows, HALF_LIFE_DAYS) / rows.select(pl.len().over(SNAPSHOT)).to_series().to_numpy()
    return Joint.fit(rows, rows["hit"].cast(pl.Float64).to_numpy(), weights)


def would_have_set(known: Known, models: ChallengeModels, settled: Samples) -> pl.DataFrame:
    """The sets that come into question for missions of the snapshots that played.

    Half of the snapshots are looked at as if the daily challenges that they would have had were open: a mission then
    asks for other metrics than those, and how far such metrics go together is what is to be learned. The others are
    looked at as if nothing were open.

    Returns:
        What `combine` gives, with the first target's metric, op, target and window_days.
    """
    app, night = known.app, known.night
    start = pl.col("base_day") + pl.duration(days=night.lead_days)
    over = start + pl.duration(days=mission_days(app) - 1) < known.base_day
    features = settled.features.filter(over)
    features = features.sample(min(features.height, MOST_SNAPSHOTS), seed=night.seed).sort("base_day", "player_key")
    # A player on each of several days is as many players to the rules of one night.
    players = features.select(*SNAPSHOT).with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    features = those_who_played(features, settled.labels)
    windows = open_windows(app, features.with_columns(start_day=start))
    off = AIMS_APART * (2 * luck(*SNAPSHOT, seed=night.seed + 4) - 1)
    wanted = features.select(*SNAPSHOT, wanted=app.challenges.target_probability + off)
    chances = chance_of_play(models, features, windows)
    look = partial(propose_targets, app, models, features, settled.past)
    worth = worth_asking(app, windows, chances, EMPTY_RECENT)
    daily = choose_challenges(
        app, look(worth, wanted, chances), chances, EMPTY_RECENT, as_of=known.as_of, seed=night.seed
    )
    week = windows.filter(pl.col("window_days") == mission_days(app))
    targets = look(week, parts_wanted(wanted, night.seed), chances)
    daily, targets = (_as_players(rows, players) for rows in (daily, targets))
    busy = daily.filter(luck(*SNAPSHOT, seed=night.seed + 5) < BUSY)
    new = in_question(app, targets, busy.with_columns(valid_until="end_day"), as_asked(busy))
    ranked = rank_missions(new, EMPTY_RECORD, NO_TASTES, night.seed)
    first = ranked.filter(pl.col("place") == 0).select(*SNAPSHOT, "metric", "op", "target", "window_days")
    sets = combine(app, ranked).join(first, on=list(SNAPSHOT), how="inner", maintain_order="left")
    known_as = players.select(player_key="place", own="player_key")
    sets = sets.join(known_as, on="player_key", how="inner", maintain_order="left")
    return sets.with_columns(player_key="own").drop("own")


def _as_players(rows: pl.DataFrame, players: pl.DataFrame) -> pl.DataFrame:
    """Rows under the place of their snapshot as player_key."""
    found = rows.join(players, on=list(SNAPSHOT), how="inner", maintain_order="left")
    return found.with_columns(player_key="place").drop("place")
