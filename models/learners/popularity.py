"""How common each thing is, whoever asks: what recommendations must beat."""

from typing import ClassVar

from models.statistics.rates import Rates


class Popularity(Rates):
    """The share of those who did it, by the thing itself."""

    name: ClassVar[str] = "popularity"
    does: ClassVar[str] = "the share of those who did it, by the thing alone"
    suits: ClassVar[frozenset[str]] = frozenset({"recommendations"})
    by: ClassVar[str] = "place"
