"""What of a night is new for a player, to be told of: by a notifier that reads a destination, or by a webhook."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.publish.published import Manifest


@dataclass(frozen=True)
class News:
    """Which rows of a published table are news.

    Attributes:
        kind: What a row is, in a word.
        id: The column that names it for good: with app and kind it makes the idempotency key.
        marked: Whether the column `is_new` says which rows are; else all of them are.
        ends: The column with the last day on which it is worth telling; none when it stays so.
    """

    kind: str
    id: str
    marked: bool = True
    ends: str | None = None


NEWS: Mapping[str, News] = MappingProxyType(
    {
        "challenges": News("challenge", "content_id", ends="valid_until"),
        "achievements": News("achievement", "content_id"),
        "badges": News("badge", "award_id", marked=False),
        "messages": News("message", "content_id"),
    }
)


def tells_news(manifest: Manifest) -> bool:
    """Whether players hear of a night: not of one that is there to be looked at and in which nothing counts."""
    return manifest.issued
