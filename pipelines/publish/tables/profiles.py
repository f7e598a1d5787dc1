"""Who players are: persona, skill, what they like."""

import polars as pl

from data.contracts_out import contract, document, share, text, whole
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id",),
    {
        "user_id": text(),
        "persona": text(),
        "traits": document(),
        "risk_tolerance": share(),
        "skill_level": whole(1, 10),
        "preferred_content": text(nullable=True),
        "completion_rate": share(nullable=True),
        "activity": text(),
        "language": text(),
    },
    screen=("persona", "skill_level", "completion_rate", "activity", "language"),
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return seen.named(seen.frames["profiles"])
