"""What a player is told tonight, and the briefs of earlier nights whose mission is still open."""

from data.contracts_out import contract, document, issued, moment, text, words, writing
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "content_id"),
    {
        "content_id": text(),
        "user_id": text(),
        "content_type": text(),
        "title": words(),
        "body": words(),
        "mission": text(nullable=True),
        **writing(),
        **issued(),
        "generated_at": moment(),
        "metadata": document(nullable=True),
    },
    standing=False,
    screen=("content_id", "content_type", "title", "body", "mission", "issued_on", "is_new"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select(
        "messages",
        few_rows=True,
        open_progress=seen.open_progress,
        left_alone=seen.left_alone,
        running=seen.over["running"],
    )
