"""What a linear autoencoder without itself says goes with what somebody does, and nothing else."""

from typing import ClassVar

from models.statistics.rates import Rates


class Ease(Rates):
    """The share of those who did it, by the score of EASE."""

    name: ClassVar[str] = "ease"
    does: ClassVar[str] = (
        "the share of those who did it, by the score that EASE gives it (a linear model of what goes with what)"
    )
    suits: ClassVar[frozenset[str]] = frozenset({"recommendations"})
    by: ClassVar[str] = "ease"
