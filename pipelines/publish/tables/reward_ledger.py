"""Everything paid beside XP up to this night: points of the app's own, titles, unlocks and badges given as rewards."""

from data.contracts_out import KINDS, contract, day, moment, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "posted_on", "entry_id"),
    {
        "entry_id": text(),
        "user_id": text(),
        "posted_on": day(),
        "kind": text(one_of=KINDS),
        "item": text(),
        "amount": whole(None),
        "words": text(),
        "content_id": text(),
        "offer": text(),
        "reason": text(),
        "occurred_at": moment(),
    },
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select("reward_ledger")
