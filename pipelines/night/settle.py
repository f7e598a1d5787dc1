"""Settle what earlier nights promised, before anything new is written."""

import polars as pl

from pipelines.badges.revoke import revoke_awards
from pipelines.badges.rules.flood import FloodLimits, hold_back_flood
from pipelines.challenges.achievements import settle_achievements
from pipelines.challenges.parts import ACHIEVEMENT
from pipelines.challenges.settle import settle_challenges
from pipelines.challenges.unreached import reopen_achievements
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
    known, issues = tonight.known, tonight.night.issues
    achieves = issues and ACHIEVEMENT in tonight.night.app.content.types
    if achieves:
        reopen_achievements(known)
    still_open = settle_challenges(known)
    if achieves:
        settle_achievements(known)  # what may be paid for those reached anew depends on what challenges pay
    if issues:
        pay_rewards(known)
        revoke_awards(known)  # what required a badge that a reward had given goes, too
    return still_open
