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
from pipelines.badges.rules.award import badge_xp, find_awards
from pipelines.known import Known

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


def hold_back_flood(known: Known, limits: FloodLimits, *, accept: bool) -> None:
    """Refuse a night whose new or changed rules grant more than the limits; writes nothing.

    Args:
        known: What the night may see.
        limits: What may pass.
        accept: A person has seen the count and means it.

    Raises:
        NightquestError: With grants, XP and players of each badge, some players, and the command that accepts them.
    """
    if accept or not known.night.issues or not _changed(known):
        return
    grants = _of_changed_rules(known)
    xp = int(grants["xp"].sum())
    most, most_xp = _allowed(known, limits)
    if grants.height <= most and xp <= most_xp:
        return
    each = (
        grants.group_by("badge_id").agg(pl.len(), pl.col("xp").sum()).sort("len", "badge_id", descending=[True, False])
    )
    told = [f"{known.app.badges[name].title} ({name}) {n:,} and {paid:,} XP" for name, n, paid in each.rows()[:_TOLD]]
    more = f" and {each.height - _TOLD} more" if each.height > _TOLD else ""
    some = ", ".join(grants["user_id"].unique(maintain_order=True).head(SAMPLE))
    whom = f"{counted(grants['user_id'].n_unique(), 'player')} at once ({some}, …)"
    raise NightquestError(
        f"The badge rules of '{known.app.app}' have changed: the night of {known.as_of} would grant "
        f"{counted(grants.height, 'badge')} worth {xp:,} XP to {whom}: {'; '.join(told)}{more}. "
        f"Up to {counted(most, 'badge')} and {most_xp:,} XP pass without a word. Nothing is written.",
        "If that is meant, run: " + command("nightly", "--as-of", known.as_of, "--accept", app=known.app.app),
        exit_code=1,
    )


def _changed(known: Known) -> bool:
    """Whether the last night before was made with another app file; an app's first night has none."""
    last = known.value(
        """SELECT coalesce(file_hash, app_hash) FROM nights WHERE status = 'published' AND (as_of, revision) < ($d, $r)
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"d": known.as_of, "r": known.night.revision},
    )
    return last is not None and last != known.night.file_hash


def _of_changed_rules(known: Known) -> pl.DataFrame:
    """badge_id, user_id and xp of what is earned by rules under which nobody holds their badge yet."""
    held = known.frame("SELECT DISTINCT badge_id, rule_version FROM badge_ledger")
    players = known.frame("SELECT player_key, user_id FROM players")
    pay = {badge_id: badge_xp(known.app, badge_id) for badge_id in known.app.badges}
    return (
        find_awards(known)
        .join(held, on=["badge_id", "rule_version"], how="anti", maintain_order="left")
        .join(players, on="player_key", how="left", maintain_order="left")
        .select("badge_id", "user_id", xp=pl.col("badge_id").replace_strict(pay, return_dtype=pl.Int64))
    )


def _allowed(known: Known, limits: FloodLimits) -> tuple[int, int]:
    within = known.app.challenges.active_within_days
    active = known.value(
        "SELECT count(DISTINCT player_key) FROM known_active_days WHERE day >= $base_day::DATE - $within::INTEGER",
        {"base_day": known.base_day, "within": within},
    )
    paid = known.value("SELECT coalesce(sum(xp), 0) FROM xp_ledger")
    return max(limits.badges, int(limits.share * active)), max(limits.xp, int(limits.share * int(paid)))
