"""Who players are: persona, style, skill, habits, tastes, and what was made for them and has become of it."""

from dataclasses import replace

import polars as pl

from data.contracts_out import contract, document, named, nested, share, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTENT = pl.List(
    pl.Struct(
        {"content_type": pl.String(), "made": pl.Int64(), "shown": pl.Int64(), "rated": pl.Int64()}
        | {"mean_rating": pl.Float64(), "dismissed": pl.Int64()}
    )
)
CONTRACT = contract(
    ("user_id",),
    {
        "user_id": text(),
        "persona": named(),
        "personas": document(),
        "style": named(nullable=True),
        "styles": document(nullable=True),
        "traits": document(),
        "risk_tolerance": share(),
        "skill_level": whole(1, 10),
        "skill_word": text(),
        "preferred_content": named(nullable=True),
        "preferred_types": nested(pl.List(pl.String())),
        "completion_rate": share(nullable=True),
        "activity": text(),
        "habits": document(),
        "engagement": document(),
        "streaks": document(nullable=True),
        "social": document(nullable=True),
        "preferences": document(nullable=True),
        "history": document(),
        "content": nested(CONTENT),
        "generation_count": whole(),
        "language": text(),
        "not_asked": text(nullable=True),
    },
    screen=(
        *("persona", "style", "skill_level", "skill_word", "preferred_content", "preferred_types", "completion_rate"),
        *("activity", "habits", "engagement", "streaks", "social", "preferences", "history", "language", "not_asked"),
    ),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    profiles = seen.frames["profiles"]
    if not profiles.columns:
        return seen.named(profiles)
    held = seen.awards("h.player_key, h.tier").whole()

    def with_what_was_made(some: pl.DataFrame) -> pl.DataFrame:
        told = seen.select("profiles", asked=some.select("player_key"), held=held).whole()
        return some.join(told, on="player_key", how="left", maintain_order="left")

    return replace(seen.named(profiles), with_more=with_what_was_made)
