"""Badges that players hold, whenever they got them."""

import polars as pl

from data.contracts_out import contract
from pipelines.publish.seen import Seen
from pipelines.publish.tables.badges import AWARD, AWARD_SCREEN, KEY

CONTRACT = contract(KEY, AWARD, screen=AWARD_SCREEN)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return seen.named(seen.badges_held)
