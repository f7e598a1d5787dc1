"""How content was received, and what it cost."""

import polars as pl

from data.contracts_out import contract, count, number, share, text
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("content_type", "ai_provider", "prompt_version", "variant", "persona"),
    {
        "content_type": text(),
        "ai_provider": text(),
        "prompt_version": text(),
        "variant": text(),
        "persona": text(nullable=True),
        "issued": count(),
        "shown": count(),
        "settled": count(),
        "completed": count(),
        "kept_rate": share(nullable=True),
        "rated": count(),
        "mean_rating": number(low=1, nullable=True),
        "mean_personalization": share(nullable=True),
        "median_minutes_from_start": number(low=0, nullable=True),
        "median_minutes_from_shown": number(low=0, nullable=True),
        "cost_usd": number(low=0),
        "cost_per_completion_usd": number(low=0, nullable=True),
    },
    standing=False,
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    begins = seen.known.day_starts(_first_days(seen))
    return seen.select(
        "content_performance",
        costs=seen.costs,
        begins=begins,
        running=seen.over["running"],
        unknown=seen.over["unknown"],
    )


def _first_days(seen: Seen) -> pl.DataFrame:
    """player_key and day: the first days of the challenges that are told of."""
    return seen.known.frame(
        "SELECT DISTINCT player_key, valid_from AS day FROM challenges WHERE as_of >= $since AND as_of <= $as_of",
        {"since": seen.since, "as_of": seen.known.as_of},
    )
