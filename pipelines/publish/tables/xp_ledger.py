"""Every grant of XP up to this night."""

from data.contracts_out import contract, day, moment, text, whole
from pipelines.publish.rows import Rows
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


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select("xp_ledger")
