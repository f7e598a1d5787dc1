"""Boosted trees whose thresholds are sought and boosted trees whose thresholds are drawn, half and half."""

from dataclasses import replace
from typing import ClassVar

from models.halves import Halves
from models.learners.lightgbm import LightGBM

PACE, SHARE = 2.0, 2 / 3  # drawn thresholds fit slower: at twice the pace two thirds of the trees come as far


class HalfDrawn(Halves):
    """Where little happens, the best threshold is luck, and trees whose thresholds are drawn at random fit less of it.

    Extremely randomised trees (Geurts, Ernst and Wehenkel 2006, Machine Learning 63, 3), here boosted. Where a
    threshold matters, those that seek it are better, and the mean gives up little in either case.
    """

    name: ClassVar[str] = "half_drawn"
    halves: ClassVar[tuple[str, str]] = ("sought", "drawn")

    def new(self, half: str) -> LightGBM:
        """Trees as they are always grown, or those whose thresholds are drawn."""
        p = self.parameters
        if half == "drawn":
            p = replace(p, drawn=True, trees=round(SHARE * p.trees), learning_rate=PACE * p.learning_rate)
        return LightGBM(seed=self.seed, **vars(p))
