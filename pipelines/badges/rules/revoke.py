"""Badges whose rule holds at no moment any more, since an event was taken back: revoked where the app says so.

An award moves from `badge_ledger` to `revoked_awards` with the night and the reason, and its XP is taken back by a row
below zero. Only badges that are earned once, require no others and stand by the rule they were granted by are revoked.
"""

import polars as pl

from configs.badge_rules import once_rules
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.rounds import NOBODY
from pipelines.known import Known

WHY = "an event that it rested on was taken back"
_AGAIN = """
    CREATE OR REPLACE TEMP TABLE badge_again AS
    SELECT DISTINCT player_key FROM retracted_events
    WHERE retracted_at <= $cut AND (retracted_at > $since_cut OR moved_at > $since_taken)"""


def revoke_awards(known: Known) -> pl.DataFrame:
    """Revoke what players hold and have not earned, of those of whom an event was taken back since the last night.

    Args:
        known: What the night may see.

    Returns:
        award_id, player_key, badge_id and xp of what was revoked.
    """
    rules = tuple(rule for rule in once_rules(known.app) if not rule.badge.requires)
    if known.app.on_retraction != "revoke" or not rules or not _anybody(known):
        return pl.DataFrame(schema=_REVOKED)
    found = find_crossings(known, rules, NOBODY, from_scratch=True, only="FROM badge_again")
    by = pl.DataFrame(
        [(rule.badge_id, rule.version) for rule in rules], schema=["badge_id", "rule_version"], orient="row"
    )
    with known.lend(found=found.select("badge_id", "player_key"), rules=by):
        lost = known.frame(known.fixed("badges/revocable"), {"as_of": known.as_of, "cut": known.cut})
    take_back(known, lost)
    return lost.select(*_REVOKED)


_REVOKED = {"award_id": pl.String(), "player_key": pl.Int64(), "badge_id": pl.String(), "xp": pl.Int32()}


def _anybody(known: Known) -> bool:
    """Whether something was taken back since the last published night; of whom, is in `badge_again`."""
    if not known.value("SELECT count(*) FROM (FROM retracted_events LIMIT 1)"):
        return False
    last = known.rows(
        """SELECT cut, started_at FROM nights WHERE status = 'published' AND as_of < $as_of
           ORDER BY as_of DESC, revision DESC LIMIT 1""",
        {"as_of": known.as_of},
    )
    if not last:
        return False
    known.run(_AGAIN, {"cut": known.cut, "since_cut": last[0][0], "since_taken": last[0][1]})
    return bool(known.value("SELECT count(*) FROM badge_again"))


def take_back(known: Known, lost: pl.DataFrame) -> None:
    """Move awards from the badge ledger to those revoked, and take their XP back by rows below zero.

    Args:
        known: What the night may see.
        lost: The columns of `badge_ledger`, and xp: what each paid.
    """
    if lost.is_empty():
        return
    titles = {name: badge.title for name, badge in known.app.badges.items()}
    entries = lost.filter(pl.col("xp") != 0).select(
        pl.format("revoked:{}", "award_id").alias("entry_id"),
        "player_key",
        pl.lit(known.as_of).alias("as_of"),
        -pl.col("xp"),
        pl.format("Badge revoked: {}, " + WHY, pl.col("badge_id").replace(titles)).alias("reason"),
        pl.lit(known.cut).alias("occurred_at"),
    )
    moved = lost.drop("xp").with_columns(revoked_on=pl.lit(known.as_of), reason=pl.lit(WHY))
    with known.warehouse.transaction(), known.lend(lost=lost.select("award_id")):
        known.warehouse.append("revoked_awards", moved)
        known.run("DELETE FROM badge_ledger WHERE award_id IN (SELECT award_id FROM lost)")
        known.warehouse.append("xp_ledger", entries, on_conflict_skip=True)
