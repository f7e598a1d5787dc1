"""What few hidden tastes say, and nothing else."""

from typing import ClassVar

from models.statistics.rates import Rates


class Als(Rates):
    """The share of those who did it, by the score of implicit ALS."""

    name: ClassVar[str] = "als"
    does: ClassVar[str] = (
        "the share of those who did it, by the score that implicit ALS gives it (hidden tastes of players and things)"
    )
    suits: ClassVar[frozenset[str]] = frozenset({"recommendations"})
    by: ClassVar[str] = "als"
