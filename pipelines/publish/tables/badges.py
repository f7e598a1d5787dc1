"""Badges to tell of: awarded by this night, or while a pause lasted that is over with it."""

from data.contracts_out import RARITIES, TIERS, contract, document, moment, share, text, whole, words
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

AWARD = {
    "award_id": text(),
    "user_id": text(),
    "badge_id": text(),
    "title": words(),
    "tier": text(nullable=True, one_of=TIERS),
    "category": text(nullable=True),
    "prestige": whole(0, 100, nullable=True),
    "rarity": text(one_of=RARITIES),
    "granted_at": moment(),
    "confidence": share(),
    "evidence": document(),
    "citation": words(),
    "rule_version": text(),
}
KEY = ("user_id", "badge_id", "granted_at", "award_id")
AWARD_SCREEN = ("badge_id", "title", "tier", "category", "prestige", "rarity", "granted_at", "citation")
CONTRACT = contract(KEY, AWARD, standing=False, screen=AWARD_SCREEN)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.awards_told()
