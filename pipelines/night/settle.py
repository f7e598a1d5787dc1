"""Settle what earlier nights promised, before anything new is written."""

import polars as pl

from pipelines.badges.rules.flood import FloodLimits, hold_back_flood
from pipelines.badges.rules.revoke import revoke_awards
from pipelines.challenges.achievements import CONTENT_TYPE, settle_achievements
from pipelines.challenges.settle import settle_challenges
from pipelines.night.open_night import Tonight
from pipelines.rewards.pay import pay_rewards


def weigh_awards(tonight: Tonight, *, accept: bool = False) -> None:
    """Hold a night back whose changed badge rules would flood the app, before anything is written.

    Raises:
        NightquestError: It says what would be granted and how to accept it.
    """
    settings = tonight.settings
    limits = FloodLimits(settings.flood_badges, settings.flood_xp, settings.flood_share)
    hold_back_flood(tonight.known, limits, accept=accept)


def settle(tonight: Tonight) -> pl.DataFrame:
    """Settle what earlier nights promised; returns the challenges still open."""
    if tonight.night.issues:
        revoke_awards(tonight.known)
    if CONTENT_TYPE in tonight.night.app.content.types and tonight.night.issues:
        settle_achievements(tonight.known)
    still_open = settle_challenges(tonight.known)
    if tonight.night.issues:
        pay_rewards(tonight.known)
    return still_open
