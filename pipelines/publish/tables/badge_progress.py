"""How far players are with badges that they do not hold."""

import polars as pl

from data.contracts_out import contract, named, share, text, whole
from pipelines.badges.rules.progress import TOLD, tell_progress
from pipelines.challenges.achievements import FAR_DAYS
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "badge_id"),
    {
        "user_id": text(),
        "badge_id": named(),
        "progress": share(),
        "remaining": text(nullable=True),
        "eta_days": whole(nullable=True),
    },
    screen=("badge_id", "progress", "remaining", "eta_days"),
)


def rows(seen: Seen) -> Rows | pl.DataFrame:
    """The table's rows, in any order."""
    if not tell_progress(seen.known):
        return pl.DataFrame()
    eta = f"CASE WHEN eta_days <= {FAR_DAYS} THEN eta_days END"
    return seen.query(
        f"SELECT p.user_id, t.* REPLACE ({eta} AS eta_days) FROM {TOLD} t LEFT JOIN players p USING (player_key)"
    )
