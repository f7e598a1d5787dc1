"""Which published rows are news that a player should be told of, by a webhook or a notifier that reads PostgreSQL."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.publish.published import Manifest, Published, nights_in


@dataclass(frozen=True)
class News:
    """Which rows of a published table are news.

    Attributes:
        kind: What a row is, in a word.
        id: The columns that name it for good: with app and kind they make the idempotency key. A message is named by
            what is said to whom for which day, since a night that is refreshed words it anew under another id.
        where: Which rows are, as SQL over the table's columns.
        ends: The column with the last day on which it is worth telling; none when it stays so.
        earned: The column with the moment at which it came about, which may lie far back on an app's first night.
        posted: Of a table with the whole history, the column with the night that noticed: told are this night's rows,
            and those that waited for the end of a pause.
        shows: The columns that are told; those of a player's screen where none are named.
    """

    kind: str
    id: tuple[str, ...]
    where: str = "true"
    ends: str | None = None
    earned: str | None = None
    posted: str | None = None
    shows: tuple[str, ...] = ()


CONTACTS = "contacts"  # the table that tells whom nothing may be told, and when others may be
ERASED = "erased"  # the kind of news that a player's data were erased: all told of them before is void
FRESH = dt.timedelta(days=7)  # before an app's first night: what was earned earlier is its history, and no news
NEWS: Mapping[str, News] = MappingProxyType(
    {
        "challenges": News("challenge", ("content_id",), "is_new", ends="valid_until"),
        "achievements": News("achievement", ("content_id",), "is_new"),
        "badges": News("badge", ("award_id",), earned="granted_at"),
        "messages": News("message", ("issued_on", "user_id", "content_type"), "is_new"),
        "settlements": News("completed", ("content_id",), "state = 'completed'"),
        "reward_ledger": News(
            "reward",
            ("entry_id",),
            "amount > 0 AND kind <> 'badge'",  # a badge is told of by itself
            posted="posted_on",
            shows=("kind", "item", "amount", "words", "content_id", "occurred_at"),
        ),
        "revocations": News("revocation", ("revocation_id",), "words IS NOT NULL", posted="revoked_on"),
    }
)


def tells_news(manifest: Manifest) -> bool:
    """Whether players hear of a night: not of one that is there to be looked at and in which nothing counts."""
    return manifest.issued


def fresh_from(night: Published) -> dt.datetime:
    """The moment from which what was earned is news: an app's first night grants all that its history has earned."""
    first = min((day for day, _, _ in nights_in(night.folder.parent)), default=night.manifest.as_of)
    if first < night.manifest.as_of:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(night.manifest.as_of, dt.time(), dt.UTC) - FRESH
