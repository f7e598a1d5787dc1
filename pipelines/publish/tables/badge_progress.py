"""How far players are with badges that they do not hold."""

from data.contracts_out import contract, share, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "badge_id"),
    {
        "user_id": text(),
        "badge_id": text(),
        "progress": share(),
        "remaining": text(nullable=True),
        "eta_days": whole(nullable=True),
    },
    screen=("badge_id", "progress", "remaining", "eta_days"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.named(seen.frames["badge_progress"])
