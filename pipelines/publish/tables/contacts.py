"""Whom nothing may be told, and when others may be told something: what a notifier has to heed."""

from data.contracts_out import contract, day, moment, text
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
        "news_from": day(nullable=True),
    },
    standing=False,
)


def rows(seen: Seen) -> Rows:
    """Players who are to be left alone, with the reason, or whose news waited; with quiet hours everybody."""
    alone = seen.left_alone.rename({"reason": "left_alone"})
    told = alone.join(seen.waiting.select("player_key", "news_from"), on="player_key", how="full", coalesce=True)
    times = send_times(seen.known)
    return seen.named(told.join(times, on="player_key", how="full" if times.height else "left", coalesce=True))
