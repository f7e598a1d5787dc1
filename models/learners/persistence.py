"""That things stay as they are: what a model of levels must beat."""

from typing import ClassVar

from models.statistics.rates import Rates


class Persistence(Rates):
    """How often a level was reached, by the level asked about and the one of the window before."""

    name: ClassVar[str] = "persistence"
    does: ClassVar[str] = "how often a level was reached, by the level of the window before"
    suits: ClassVar[frozenset[str]] = frozenset({"engagement"})
    by: ClassVar[str] = "standing"
