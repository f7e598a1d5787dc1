"""Achievements made for one player: those reached, and those that are open."""

import polars as pl

from data.contracts_out import (
    EXTRA_REWARDS,
    REWARDS,
    TIERS,
    contract,
    day,
    document,
    issued,
    moment,
    named,
    nested,
    number,
    share,
    text,
    whole,
    words,
    writing,
)
from pipelines.challenges.achievements import achievement_progress
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "content_id"),
    {
        "content_id": text(),
        "user_id": text(),
        "title": words(),
        "description": words(),
        "category": text(),
        "tier": text(one_of=TIERS),
        "metric": named(),
        "target": number(low=0),
        "value": number(low=0),
        "progress": share(),
        "eta_days": whole(nullable=True),
        "state": text(one_of=("open", "reached")),
        "reached_on": day(nullable=True),
        **issued(),
        "rewards": nested(REWARDS),
        "extra_rewards": nested(EXTRA_REWARDS),
        "reward_words": text(nullable=True),
        **writing(),
        "generated_at": moment(),
        "metadata": document(nullable=True),
    },
    screen=(
        "content_id",
        "title",
        "description",
        "category",
        "tier",
        "metric",
        "target",
        "value",
        "progress",
        "eta_days",
        "state",
        "reached_on",
        "issued_on",
        "is_new",
        "rewards",
        "extra_rewards",
        "reward_words",
    ),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    progress = achievement_progress(seen.known)
    return seen.select(
        "achievements",
        few_rows=True,
        achievement_progress=progress,
        opted_out=seen.left_alone.filter(pl.col("reason") == "opted out"),
    )
