"""What is like the things that somebody does, and nothing else."""

from typing import ClassVar

from models.statistics.rates import Rates


class ItemKnn(Rates):
    """The share of those who did it, by how alike it is to what they did (cosine)."""

    name: ClassVar[str] = "item_knn"
    does: ClassVar[str] = "the share of those who did it, by how alike it is to what they did (cosine)"
    suits: ClassVar[frozenset[str]] = frozenset({"recommendations"})
    by: ClassVar[str] = "knn"
