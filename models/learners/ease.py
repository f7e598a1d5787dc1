"""What a linear autoencoder without itself says goes with what somebody does, and nothing else."""

from typing import ClassVar

from models.rates import Rates


class Ease(Rates):
    """The share of those who did it, by the score of EASE."""

    name: ClassVar[str] = "ease"
    suits: ClassVar[frozenset[str]] = frozenset({"recommendations"})
    by: ClassVar[str] = "ease"
