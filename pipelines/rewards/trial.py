"""Which table of rewards a player has: the app's first, or that of the player's arm where tables are tried."""

import polars as pl

from configs.app import App
from pipelines.engines.laid import Frame
from pipelines.experiments.arms import REWARDS, Arm, Trial, assign_arms
from pipelines.experiments.experiment import weigh_arms
from pipelines.known import Known


def reward_trial(app: App) -> Trial:
    """The tables that serve, as arms; a trial without a name where there is nothing to compare."""
    tried = app.rewards.experiment
    if tried is None:
        return Trial("", tuple(Arm(name, REWARDS, name) for name in app.rewards.served))
    arms = tuple(Arm(name, REWARDS, name, float(weight)) for name, weight in tried.arms.items())
    return Trial(tried.name, arms, tried.goal, tried.policy)


def assign_tables(known: Known, players: Frame) -> tuple[Trial, pl.DataFrame]:
    """The trial of a night and who is in which arm of it.

    Args:
        known: What the night may see.
        players: player_key, user_id.

    Returns:
        The trial with the night's weights, and player_key, arm (the table) and propensity, by player_key.
    """
    trial, everybody = reward_trial(known.app), players.select("player_key", "user_id")
    if not trial.experiment:
        (only,) = trial.arms
        return trial, everybody.select("player_key", arm=pl.lit(only.name), propensity=pl.lit(1.0))
    trial = weigh_arms(known, trial)
    return trial, assign_arms(known.warehouse, everybody, trial)
