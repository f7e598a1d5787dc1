"""Whom nothing may be told, and when others may be told something: what a notifier has to heed."""

from data.contracts_out import contract, moment, text
from pipelines.players.quiet import send_times
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id",),
    {
        "user_id": text(),
        "left_alone": text(nullable=True, one_of=("opted out", "paused")),
        "send_after": moment(nullable=True),
        "send_before": moment(nullable=True),
    },
    standing=False,
)


def rows(seen: Seen) -> Rows:
    """Players who are to be left alone, with the reason; where the app has quiet hours everybody, with their times."""
    alone = seen.left_alone.rename({"reason": "left_alone"})
    times = send_times(seen.known)
    return seen.named(alone.join(times, on="player_key", how="full" if times.height else "left", coalesce=True))
