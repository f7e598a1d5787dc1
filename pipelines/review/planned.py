"""The questions that planning asks of players, with the models as the night moved them."""

from collections.abc import Mapping

import polars as pl

from models.given import SNAPSHOT, Asked
from models.learned import LearnedModel
from models.tasks.attainment import sign_of
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels, chance_of_play, open_windows
from pipelines.known import Known
from pipelines.learning.recalibrate import moved, recalibrate, snapshots_lately
from pipelines.learning.samples import samples_of
from pipelines.players.snapshots import eligible_players, look_at

PLAYS, ATTAINMENT = PLANNED_WITH


def as_planned(
    known: Known, task: str, models: Mapping[str, LearnedModel], keys: pl.Series
) -> tuple[LearnedModel, Asked]:
    """What a night asked players when it planned, and the model that it asked, moved by what had settled.

    Args:
        known: What the night may see.
        task: One of PLANNED_WITH.
        models: By task, the models that serve: of attainment both, as whom it would have asked moves it.
        keys: The players.

    Returns:
        The model, and its questions: every open window, or the windows of the challenges of the night with `target`.
    """
    lately = snapshots_lately(known)
    now, before = look_at(known, eligible_players(known, [known.base_day]), lately)
    settled = samples_of(known, lately, before)
    features, past = now.features.filter(pl.col("player_key").is_in(keys.implode())), now.past.of(keys)
    none = pl.DataFrame()
    if task == PLAYS:
        start = features.select(SNAPSHOT).join(known.first_whole_days(), on="player_key")
        return moved(known, models[PLAYS], settled), Asked(features, past, open_windows(known.app, start), none)
    tuned = recalibrate(known, ChallengeModels(models[PLAYS], models[ATTAINMENT]), settled)
    asked = _asked_for(known, keys)
    chances = chance_of_play(tuned, features, asked)
    asked = asked.join(chances, on=[*SNAPSHOT, "window_days"], how="left", maintain_order="left")
    return tuned.attainment, Asked(features, past, asked, none)


def _asked_for(known: Known, keys: pl.Series) -> pl.DataFrame:
    """The windows and signed targets of the challenges that the night issued to players; of a mission each part's."""
    asked = known.frame(
        """WITH issued AS (FROM challenges WHERE list_contains($keys, player_key) AND as_of = $as_of),
           parts AS (
               SELECT player_key, metric, target, window_days, valid_from FROM issued
               UNION ALL
               SELECT player_key, part.metric, part.target, window_days, valid_from
               FROM (SELECT *, unnest(also) AS part FROM issued))
           SELECT DISTINCT player_key, metric, window_days::INTEGER AS window_days, target, valid_from AS start_day
           FROM parts
           ORDER BY player_key, metric, window_days, target""",
        {"keys": keys.to_list(), "as_of": known.as_of},
    )
    lead = (pl.col("start_day") - pl.lit(known.base_day)).dt.total_days().cast(pl.Int32)
    return asked.with_columns(pl.col("target") * sign_of(known.app), base_day=pl.lit(known.base_day), lead_days=lead)
