"""How much of what was asked together was reached together, learned anew each night from the newest windows."""

import polars as pl

from models.joint import Joint
from models.split import recency
from models.task import SNAPSHOT, Samples
from pipelines.challenges.missions import mission_days
from pipelines.challenges.propose import ChallengeModels, chance_of_play, open_windows, propose_targets
from pipelines.challenges.together import combine, each_part, parts_wanted, rank_targets
from pipelines.known import Known
from pipelines.learning.recalibrate import FEWEST_OUTCOMES, HALF_LIFE_DAYS
from pipelines.windows import completed

MOST_SNAPSHOTS = 1_500


def learn_together(known: Known, models: ChallengeModels, settled: Samples) -> Joint:
    """What missions of the same kind would have come to for players of the last weeks who played.

    Args:
        known: What the night may see.
        models: Champions, recalibrated for the night.
        settled: Of `snapshots_lately`.
    """
    asked = _would_have_set(known, models, settled).with_row_index("_mission")
    outcomes = settled.labels.filter("played", pl.col("lead_days") == min(known.night.lead_days, 1))
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


def _would_have_set(known: Known, models: ChallengeModels, settled: Samples) -> pl.DataFrame:
    """What `combine` gives for the snapshots whose window is over, with the first target's metric, op, target."""
    app, night = known.app, known.night
    features = settled.features.sample(min(settled.features.height, MOST_SNAPSHOTS), seed=night.seed)
    features = features.sort("base_day", "player_key")
    start = pl.col("base_day") + pl.duration(days=night.lead_days)
    windows = open_windows(app, features.with_columns(start_day=start))
    windows = windows.filter((pl.col("window_days") == mission_days(app)) & (pl.col("end_day") < known.base_day))
    wanted = features.select(*SNAPSHOT, wanted=pl.lit(app.challenges.target_probability))
    chances = chance_of_play(models, features, windows)
    targets = propose_targets(app, models, features, settled.past, windows, parts_wanted(wanted, night.seed), chances)
    ranked = rank_targets(targets, night.seed)
    first = ranked.filter(pl.col("place") == 0).select(*SNAPSHOT, "metric", "op", "target", "window_days")
    return combine(app, ranked).join(first, on=list(SNAPSHOT), how="inner", maintain_order="left")
