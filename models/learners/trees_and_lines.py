"""The trees of `who_and_when` and logistic regression beside them: two thirds and one."""

from dataclasses import asdict
from typing import ClassVar

from models.learner import Learner
from models.learners.lightgbm import LightGBM, LightGBMParameters
from models.learners.logistic import Logistic
from models.learners.who_and_when import WhoAndWhen
from models.statistics.weighed import Weighed
from models.tuning import Setting, Suggest


class TreesAndLines(Weighed):
    """What is asked often lies beyond what was seen: longer pauses, older players, a fuller app than any so far.

    Trees answer there as at the edge of what they saw, lines go on rising; either may be wrong, seldom both alike.
    """

    name: ClassVar[str] = "trees_and_lines"
    does: ClassVar[str] = (
        "boosted trees, others that begin at the level of each day, and logistic regression, a third each"
    )
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 5
    requires: ClassVar[tuple[str, ...]] = ("lightgbm", "scikit-learn")
    flexible: ClassVar[bool] = True
    shares: ClassVar[tuple[float, ...]] = (2 / 3, 1 / 3)  # two kinds of trees, each as much as the lines
    parameters_type = LightGBMParameters
    parameters: LightGBMParameters

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """That of the trees."""
        return LightGBM.space(ask)

    def bases(self) -> list[Learner]:
        """Trees as they are asked for, lines as they always are."""
        return [WhoAndWhen(seed=self.seed, **asdict(self.parameters)), Logistic(seed=self.seed)]
