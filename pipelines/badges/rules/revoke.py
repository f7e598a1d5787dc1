"""Badges by rule whose rule holds at no moment any more, since an event was taken back.

An award moves from `badge_ledger` to `revoked_awards` with the night and the reason, and its XP is taken back by a row
below zero. What a badge requires counts as far as it is still earned, so that what rests on a revoked badge falls with
it. Of a badge that repeats each award stands or falls by itself. What stands is told of what it rests on now
(`award_moments`, `recite.py`).
"""

import polars as pl

from configs.badge_rules import BadgeRule, earnable_rules, events_counted
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.rounds import NOBODY
from pipelines.known import Known
from pipelines.taken_back import WHY

REQUIRED = "a badge that it requires was taken back"
FOUND = {"badge_id": pl.String(), "player_key": pl.Int64(), "round_no": pl.Int64()}  # what is still earned
REVOKED = {"award_id": pl.String(), "player_key": pl.Int64(), "badge_id": pl.String(), "xp": pl.Int32()}


def revoke_earned(known: Known) -> pl.DataFrame:
    """Revoke what the players of `players_hit` hold by rule and have not earned, where the app revokes.

    Looked at are badges that can be earned now, granted by the rule as it is; what people gave is left alone. What is
    still earned, under either policy, rests on what is left from now on: its evidence is found anew. What is not, and
    kept, has its evidence as of the grant, with a note of what was taken back since.

    Returns:
        award_id, player_key, badge_id and xp of what was revoked.
    """
    rules, keeps = earnable_rules(known.app), known.app.on_retraction == "keep"
    if not rules:
        return pl.DataFrame(schema=REVOKED)
    with known.lend(rules=versions(rules)):
        known.run(known.fixed("badges/resting"), {"as_of": known.as_of, "cut": known.cut})
    standing = "badge_ledger" if keeps else "(FROM badge_ledger ANTI JOIN badge_resting USING (award_id))"
    found = find_crossings(known, rules, NOBODY, from_scratch=True, only="FROM players_hit", standing=standing)
    with known.lend(found=found.select("badge_id", "player_key", "round_no", "granted_at", "event_id", "evidence")):
        known.run(known.fixed("badges/move_moments"), {"as_of": known.as_of, "cut": known.cut, "keeps": keeps})
        if keeps:
            _note_kept(known, rules)
            return pl.DataFrame(schema=REVOKED)
        lost = known.frame(
            "FROM badge_resting ANTI JOIN found USING (badge_id, player_key, round_no) ORDER BY award_id"
        )
    take_back(known, _with_reasons(known, rules, lost))
    return lost.select(*REVOKED)


def _note_kept(known: Known, rules: tuple[BadgeRule, ...]) -> None:
    """Say in the evidence of what is kept, and earned no longer, what was taken back; reads the lent `found`."""
    counted = [(rule.badge_id, event) for rule in rules for event in events_counted(known.app, rule)]
    rows = pl.DataFrame(counted, schema={"badge_id": pl.String, "event": pl.String}, orient="row")
    with known.lend(counted=rows):
        known.run(known.fixed("badges/note_kept"), {"as_of": known.as_of, "cut": known.cut})


def versions(rules: tuple[BadgeRule, ...]) -> pl.DataFrame:
    """badge_id and rule_version of rules."""
    rows = [(rule.badge_id, rule.version) for rule in rules]
    return pl.DataFrame(rows, schema={"badge_id": pl.String, "rule_version": pl.String}, orient="row")


def take_back(known: Known, lost: pl.DataFrame) -> None:
    """Move awards from the badge ledger to those revoked, and take their XP back by rows below zero.

    Args:
        known: What the night may see.
        lost: The columns of `badge_ledger`, xp: what each paid, and if need be reason.
    """
    if lost.is_empty():
        return
    lost = lost if "reason" in lost.columns else lost.with_columns(reason=pl.lit(WHY))
    titles = {name: badge.title for name, badge in known.app.badges.items()}
    entries = lost.filter(pl.col("xp") != 0).select(
        pl.format("revoked:{}", "award_id").alias("entry_id"),
        "player_key",
        pl.lit(known.as_of).alias("as_of"),
        -pl.col("xp"),
        pl.format("Badge revoked: {}, {}", pl.col("badge_id").replace(titles), "reason").alias("reason"),
        pl.lit(known.cut).alias("occurred_at"),
    )
    moved = lost.drop("xp").with_columns(revoked_on=pl.lit(known.as_of))
    with known.warehouse.transaction(), known.lend(lost=lost.select("award_id")):
        known.warehouse.append("revoked_awards", moved)
        known.run("DELETE FROM badge_ledger WHERE award_id IN (SELECT award_id FROM lost)")
        known.warehouse.append("xp_ledger", entries, on_conflict_skip=True)


def _with_reasons(known: Known, rules: tuple[BadgeRule, ...], lost: pl.DataFrame) -> pl.DataFrame:
    """Lost awards, each with its reason: something that it requires is not held any more, or the event itself."""
    needs = [(rule.badge_id, needed) for rule in rules for needed in rule.badge.requires]
    needed = pl.DataFrame(needs, schema={"badge_id": pl.String, "needed": pl.String}, orient="row")
    held = known.frame(
        "SELECT award_id, player_key, badge_id AS needed FROM badge_ledger SEMI JOIN players_hit USING (player_key)"
    )
    stands = held.join(lost, on="award_id", how="anti")
    asked = lost.select("badge_id", "player_key").unique().join(needed, on="badge_id")
    lacking = asked.join(stands, on=["player_key", "needed"], how="anti").select("badge_id", "player_key").unique()
    marks = lacking.with_columns(reason=pl.lit(REQUIRED))
    told = lost.join(marks, on=["badge_id", "player_key"], how="left", maintain_order="left")
    return told.with_columns(pl.col("reason").fill_null(WHY))
