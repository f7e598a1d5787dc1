"""What the models expect of players."""

from data.contracts_out import contract, share, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "task", "target", "horizon_days"),
    {
        "user_id": text(),
        "task": text(),
        "target": text(nullable=True),
        "horizon_days": whole(1),
        "probability": share(),
        "days": whole(nullable=True),
        "band": text(nullable=True),
        "model_version": text(),
        "reasons": text(nullable=True),
    },
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.named(seen.frames["scores"])
