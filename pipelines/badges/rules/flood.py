"""What a changed app file would grant at once: counted before anything is written, held back until somebody means it.

A new rule, or one that means something else, is true of past play too. That is how badges for a history are granted,
and how a slip in a rule floods an app with badges and XP that are never taken back. An app's first night grants what
its whole history has earned, as it must.
"""

from dataclasses import dataclass

import polars as pl

from configs.commands import command
from configs.errors import NightquestError
from configs.nouns import counted
from data.warehouse import Warehouse
from pipelines.badges.rules.award import badge_xp, find_awards
from pipelines.pins import Night

SAMPLE = 3
_TOLD = 8


@dataclass(frozen=True)
class FloodLimits:
    """What new and changed rules may grant in a night without being asked about.

    Attributes:
        badges: So many grants, or the share of the active players if that is more.
        xp: So much XP, or the share of all XP paid so far if that is more.
    """

    badges: int = 50
    xp: int = 5_000
    share: float = 0.25


def hold_back_flood(warehouse: Warehouse, night: Night, limits: FloodLimits, *, accept: bool) -> None:
    """Refuse a night whose new or changed rules grant more than the limits; writes nothing.

    Args:
        warehouse: With the known_* views of the night in place.
        night: Its app file; only one that differs from the last night's is looked at.
        limits: What may pass.
        accept: A person has seen the count and means it.

    Raises:
        NightquestError: With grants, XP and players of each badge, some players, and the command that accepts them.
    """
    if accept or not night.issues or not _changed(warehouse, night):
        return
    grants = _of_changed_rules(warehouse, night)
    xp = int(grants["xp"].sum())
    most, most_xp = _allowed(warehouse, night, limits)
    if grants.height <= most and xp <= most_xp:
        return
    each = (
        grants.group_by("badge_id").agg(pl.len(), pl.col("xp").sum()).sort("len", "badge_id", descending=[True, False])
    )
    told = [f"{night.app.badges[name].title} ({name}) {n:,} and {paid:,} XP" for name, n, paid in each.rows()[:_TOLD]]
    more = f" and {each.height - _TOLD} more" if each.height > _TOLD else ""
    some = ", ".join(grants["user_id"].unique(maintain_order=True).head(SAMPLE))
    whom = f"{counted(grants['user_id'].n_unique(), 'player')} at once ({some}, …)"
    raise NightquestError(
        f"The badge rules of '{night.app.app}' have changed: the night of {night.as_of} would grant "
        f"{counted(grants.height, 'badge')} worth {xp:,} XP to {whom}: {'; '.join(told)}{more}. "
        f"Up to {counted(most, 'badge')} and {most_xp:,} XP pass without a word. Nothing is written.",
        "If that is meant, run: " + command("nightly", "--as-of", night.as_of, "--accept", app=night.app.app),
        exit_code=1,
    )


def _changed(warehouse: Warehouse, night: Night) -> bool:
    """Whether the last night before was made with another app file; an app's first night has none."""
    last = warehouse.value(
        """SELECT coalesce(file_hash, app_hash) FROM nights WHERE status = 'published' AND (as_of, revision) < ($d, $r)
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"d": night.as_of, "r": night.revision},
    )
    return last is not None and last != night.file_hash


def _of_changed_rules(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """badge_id, user_id and xp of what is earned by rules under which nobody holds their badge yet."""
    known = warehouse.frame("SELECT DISTINCT badge_id, rule_version FROM badge_ledger")
    players = warehouse.frame("SELECT player_key, user_id FROM players")
    pay = {badge_id: badge_xp(night.app, badge_id) for badge_id in night.app.badges}
    return (
        find_awards(warehouse, night)
        .join(known, on=["badge_id", "rule_version"], how="anti", maintain_order="left")
        .join(players, on="player_key", how="left", maintain_order="left")
        .select("badge_id", "user_id", xp=pl.col("badge_id").replace_strict(pay, return_dtype=pl.Int64))
    )


def _allowed(warehouse: Warehouse, night: Night, limits: FloodLimits) -> tuple[int, int]:
    within = night.app.challenges.active_within_days
    active = warehouse.value(
        "SELECT count(DISTINCT player_key) FROM known_active_days WHERE day >= $base_day::DATE - $within::INTEGER",
        {"base_day": night.base_day, "within": within},
    )
    paid = warehouse.value("SELECT coalesce(sum(xp), 0) FROM xp_ledger")
    return max(limits.badges, int(limits.share * active)), max(limits.xp, int(limits.share * int(paid)))
