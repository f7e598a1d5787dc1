"""What counts for a player tonight: the challenges of this night, and what is still open of earlier ones."""

from data.contracts_out import (
    EXTRA_REWARDS,
    REQUIREMENTS,
    REWARDS,
    contract,
    day,
    document,
    flag,
    issued,
    moment,
    nested,
    share,
    text,
    whole,
    words,
    writing,
)
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen
from pipelines.windows import SO_FAR

CONTRACT = contract(
    ("user_id", "content_id"),
    {
        "content_id": text(),
        "user_id": text(),
        "content_type": text(),
        "title": words(),
        "description": words(),
        "requirements": nested(REQUIREMENTS),
        "rewards": nested(REWARDS),
        "extra_rewards": nested(EXTRA_REWARDS),
        "reward_words": text(),
        "difficulty_level": whole(1, 10),
        "completion_probability": share(),
        "probability_if_active": share(),
        "personalization_score": share(),
        "estimated_minutes": whole(nullable=True),
        **writing(),
        **issued(),
        "dismissed": flag(),
        "progress": share(),
        "so_far": nested(SO_FAR),
        "valid_from": day(),
        "valid_until": day(),
        "generated_at": moment(),
        "metadata": document(nullable=True),
    },
    screen=(
        "content_id",
        "content_type",
        "title",
        "description",
        "requirements",
        "rewards",
        "extra_rewards",
        "reward_words",
        "difficulty_level",
        "estimated_minutes",
        "progress",
        "so_far",
        "valid_from",
        "valid_until",
        "issued_on",
        "is_new",
        "dismissed",
    ),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.select(
        "challenges", open_progress=seen.open_progress, left_alone=seen.left_alone, running=seen.over["running"]
    )
