"""What players like and what is worn out, of those who answered what they were asked."""

from data.contracts_out import contract, number, share, text, whole
from pipelines.players.tastes import describe_tastes
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "metric"),
    {
        "user_id": text(),
        "metric": text(),
        "answered": whole(),
        "rated": whole(),
        "mean_rating": number(low=1, nullable=True),
        "dismissed": whole(),
        "kept_rate": share(nullable=True),
        "median_minutes_from_shown": number(low=0, nullable=True),
        "liking": number(low=-1),
        "worn": share(),
    },
    standing=False,
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    told = describe_tastes(seen.known)
    return seen.named(told.join(seen.left_alone, on="player_key", how="anti", maintain_order="left"))
