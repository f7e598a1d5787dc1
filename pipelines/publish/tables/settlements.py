"""What was settled since the night published before, and of who paused until tonight since the pause began."""

from data.contracts_out import contract, moment, share, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "content_id", "revision"),
    {
        "content_id": text(),
        "revision": whole(1),
        "user_id": text(),
        "title": text(),
        "state": text(one_of=("completed", "expired", "reopened")),
        "completed_at": moment(nullable=True),
        "progress": share(),
        "xp": whole(None),
        "reason": text(),
    },
    standing=False,
    screen=("content_id", "title", "state", "completed_at", "progress", "xp"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select("settlements", waiting=seen.waiting)
