"""How long ago somebody last played, and nothing else: what a model of leaving must beat."""

from typing import ClassVar

from models.statistics.rates import Rates


class Recency(Rates):
    """The share of those who left, by days since the last play."""

    name: ClassVar[str] = "recency"
    does: ClassVar[str] = "the share of those who left, by days since the last play alone"
    suits: ClassVar[frozenset[str]] = frozenset({"churn"})
    by: ClassVar[str] = "recency_days"
