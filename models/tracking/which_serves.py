"""Which registered version serves a night: none that has seen the day it serves, or that was not promoted by then."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRAINED_TO = "trained_to"  # tag of a version: the last day that its data knew
FIRST_NIGHT = "first_night"  # tag of a version: the first night that it could serve, the day it was trained as of
PROMOTED = "promoted"  # tag of a version: it was the champion once


@dataclass(frozen=True)
class Candidate:
    """A registered version.

    Attributes:
        trained_to: The last day that its data knew; None when that was not recorded.
        first_night: The first night that it could serve.
        promoted: It was the champion once.
    """

    version: int
    trained_to: dt.date | None
    first_night: dt.date | None
    promoted: bool

    @classmethod
    def of(cls, version: int, tags: Mapping[str, str]) -> "Candidate":
        """From a version's tags."""
        return cls(version, _day(tags.get(TRAINED_TO)), _day(tags.get(FIRST_NIGHT)), PROMOTED in tags)

    def may_serve(self, night: dt.date) -> bool:
        """Whether its data end before a night, and it was there by then."""
        knew = self.trained_to is None or self.trained_to < night
        return knew and (self.first_night is None or self.first_night <= night)


def version_for(night: dt.date, champion: int | None, versions: Sequence[Candidate]) -> int | None:
    """The version that serves a night.

    The champion, whoever chose it, wherever it may serve. For a night before its time: of the versions that had been
    promoted by then, the one that knows the latest days. None where there is none, or where no version is champion.
    """
    if champion is None:
        return None
    able = [each for each in versions if each.may_serve(night)]
    if any(each.version == champion for each in able):
        return champion
    promoted = [each for each in able if each.promoted]
    return max(promoted, key=lambda each: (each.trained_to or dt.date.min, each.version)).version if promoted else None


def _day(text: str | None) -> dt.date | None:
    """The day that a tag tells; None without one, or where a person wrote what is no day."""
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None
