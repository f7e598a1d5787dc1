"""Judged badges after an event behind them was taken back: the case goes back to review, or ends.

Where the nominating rule no longer holds at any moment, what a model awarded is revoked and the nomination ends. Where
it still holds, but an event that the judge may have seen or counted was taken back, the award is revoked and the case
is open again the same night. What people awarded stays.
"""

import polars as pl

from configs.badge_rules import BadgeRule, open_nominate_rules
from pipelines.badges.judged.nominate import seen_events
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.revoke import FOUND, REVOKED, take_back, versions
from pipelines.badges.rules.rounds import NOBODY
from pipelines.known import Known

REVIEW = "an event that it was judged on was taken back, so it is looked at again"


def revoke_judged(known: Known) -> pl.DataFrame:
    """Revoke what models awarded to the players of `players_hit` on what stands no longer; see above.

    Looked at are badges that nominate now, awarded under their rule and criteria as they are.

    Returns:
        award_id, player_key, badge_id and xp of what was revoked.
    """
    rules = open_nominate_rules(known.app)
    if not rules:
        return pl.DataFrame(schema=REVOKED)
    found = find_crossings(known, rules, NOBODY, from_scratch=True, only="FROM players_hit")
    nominated = found.select("badge_id", "player_key")
    with known.lend(rules=versions(rules), found=nominated, seen_events=_seen(known, rules)):
        lost = known.frame(known.fixed("badges/judged_lost"), {"as_of": known.as_of, "review": REVIEW})
        take_back(known, lost)
        known.run(known.fixed("badges/forget_nominations"), {"as_of": known.as_of})
    return lost.select(*REVOKED)


def note_kept_judged(known: Known) -> None:
    """Where the app keeps: say in the evidence of awards by models what was taken back of what they may have seen."""
    rules = open_nominate_rules(known.app)
    if not rules:
        return
    with known.lend(rules=versions(rules), found=pl.DataFrame(schema=FOUND), counted=_seen(known, rules)):
        known.run(known.fixed("badges/resting"), {"as_of": known.as_of, "cut": known.cut})
        known.run(known.fixed("badges/note_kept"), {"as_of": known.as_of, "cut": known.cut})


def _seen(known: Known, rules: tuple[BadgeRule, ...]) -> pl.DataFrame:
    """badge_id, event: what a judge may have seen or counted."""
    rows = [(rule.badge_id, event) for rule in rules for event in seen_events(known.app, rule)]
    return pl.DataFrame(rows, schema={"badge_id": pl.String, "event": pl.String}, orient="row")
