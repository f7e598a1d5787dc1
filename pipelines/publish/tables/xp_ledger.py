"""Every grant of XP up to this night."""

import polars as pl

from data.contracts_out import contract, day, moment, text, whole
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "posted_on", "entry_id"),
    {
        "entry_id": text(),
        "user_id": text(),
        "posted_on": day(),
        "xp": whole(None),
        "reason": text(),
        "occurred_at": moment(),
    },
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return seen.select("xp_ledger")
