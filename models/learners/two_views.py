"""Boosted trees that know the day and boosted trees that know only the player, half and half."""

from dataclasses import replace
from typing import ClassVar

from models.halves import Halves
from models.learner import Sheet
from models.learners.lightgbm import LightGBM


class TwoViews(Halves):
    """Trees that see what is alike for all on a day (the calendar, how lively the app is, how long a course has run).

    They do better while seasons repeat, and are surer than they should be where one turns; trees that do not see it are
    steady and know less. The mean gives up little in either case.
    """

    name: ClassVar[str] = "two_views"
    does: ClassVar[str] = (
        "boosted trees that see the calendar and how lively the app is, and others that do not, half and half"
    )
    halves: ClassVar[tuple[str, str]] = ("player", "day")

    def new(self, half: str) -> LightGBM:  # noqa: ARG002 (they are alike but for what they see)
        """Trees as they are always grown."""
        return LightGBM(seed=self.seed, **vars(self.parameters))

    def seen(self, sheet: Sheet, half: str) -> Sheet:
        """The day's trees see the common features, too."""
        return sheet if half == "player" else replace(sheet, common=frozenset())
