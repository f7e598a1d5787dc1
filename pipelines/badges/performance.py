"""How an app's badges do: how many have them, and how holders play before and after, beside comparable players.

What differs between holders and others goes with the badge; it need not come from it. Who earns a badge was on the way
up already, and matching by recent activity takes only a part of that away.
"""

from dataclasses import dataclass

import polars as pl

from configs.badge_rules import badge_rules
from pipelines.badges.held import badge_rarity
from pipelines.badges.rules.award import badge_xp
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.rounds import HELD
from pipelines.known import Known

DAYS = 28


@dataclass(frozen=True)
class Around:
    """Play around the awards of a badge, and of comparable players without it; active days in DAYS days.

    Attributes:
        compared: Holders for whom there is anybody to compare with.
        returned: Share of them that played again within a week.
        difference: By how much more the holders' active days rose than those of the others.
        error: Standard error of `difference`; None for a single holder.
    """

    compared: int
    before: float
    after: float
    returned: float
    others_before: float
    others_after: float
    others_returned: float
    difference: float
    error: float | None


@dataclass(frozen=True)
class BadgeFigures:
    """One badge.

    Attributes:
        share: Of all players who ever played, those who hold it.
        lately: Awards of the last DAYS days.
        waiting: Of a badge on hold, awards that would be granted if it were opened.
        around: None where nobody can be compared yet.
    """

    badge_id: str
    title: str
    tier: str
    prestige: int
    xp: int
    state: str
    rarity: str
    holders: int
    awards: int
    share: float
    lately: int
    waiting: int
    around: Around | None


def badge_performance(known: Known) -> tuple[BadgeFigures, ...]:
    """The figures of every badge of the app file, by prestige, then by how rare it is."""
    window = {"as_of": known.as_of, "days": DAYS}
    counts = known.frame(known.fixed("badges/badge_counts"), window)
    around = known.frame(known.fixed("badges/badge_performance"), window | {"cut": known.cut}).drop("groups")
    held = badge_rarity(known).join(counts.drop("holders"), on="badge_id", how="left")
    waiting = _waiting(known)
    rows = {row["badge_id"]: row for row in held.iter_rows(named=True)}
    compared = {row.pop("badge_id"): Around(**row) for row in around.iter_rows(named=True)}
    found = [
        BadgeFigures(
            badge_id=name,
            title=badge.title,
            tier=badge.tier,
            prestige=badge.prestige,
            xp=badge_xp(known.app, name),
            state=badge.state,
            rarity=rows[name]["rarity"],
            holders=rows[name]["holders"],
            awards=rows[name]["awards"] or 0,
            share=rows[name]["share"],
            lately=rows[name]["lately"] or 0,
            waiting=waiting.get(name, 0),
            around=compared.get(name),
        )
        for name, badge in known.app.badges.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.prestige, one.holders)))


def _waiting(known: Known) -> dict[str, int]:
    """How many awards each badge on hold would be at once."""
    shut = tuple(rule for rule in badge_rules(known.app) if rule.badge.state == "on_hold")
    found = find_crossings(known, shut, HELD, from_scratch=True)
    return dict(found.group_by("badge_id").agg(pl.len()).iter_rows())
