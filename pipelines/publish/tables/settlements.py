"""What was settled since the night published before, and of who paused until tonight since the pause began."""

from data.contracts_out import REQUIREMENTS, contract, moment, nested, share, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen
from pipelines.windows import SO_FAR

CONTRACT = contract(
    ("user_id", "content_id", "revision"),
    {
        "content_id": text(),
        "revision": whole(1),
        "user_id": text(),
        "content_type": text(),
        "title": text(),
        "description": text(),
        "requirements": nested(REQUIREMENTS),
        "state": text(one_of=("completed", "expired", "reopened")),
        "completed_at": moment(nullable=True),
        "progress": share(),
        "so_far": nested(SO_FAR, nullable=True),
        "xp": whole(None),
        "reason": text(),
    },
    standing=False,
    screen=(
        "content_id",
        "content_type",
        "title",
        "description",
        "requirements",
        "state",
        "completed_at",
        "progress",
        "so_far",
        "xp",
    ),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select("settlements", few_rows=True, waiting=seen.waiting)
