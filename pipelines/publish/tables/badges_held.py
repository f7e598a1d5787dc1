"""Badges that players hold, whenever they got them."""

from data.contracts_out import contract
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen
from pipelines.publish.tables.badges import AWARD, AWARD_SCREEN, KEY

CONTRACT = contract(KEY, AWARD, screen=AWARD_SCREEN)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.awards()
