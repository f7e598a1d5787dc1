"""Logistic regression, a random forest and boosted trees of two views, a third each: their errors differ."""

from typing import ClassVar

from models.learner import Learner
from models.learners.logistic import Logistic
from models.learners.random_forest import RandomForest
from models.learners.two_views import TwoViews
from models.statistics.weighed import Weighed


class MeanOfThree(Weighed):
    """The mean of their log-odds, no weight learned.

    A line carries on where trees have seen nothing like it, and may carry too far; a forest is slow to be sure; boosted
    trees know best what has been. A season decides which of them is ahead, and weights learned in one are those of the
    last: the mean is nearly as good as the best in each (docs/choices.md).
    """

    name: ClassVar[str] = "mean_of_three"
    does: ClassVar[str] = "the mean of logistic regression, a random forest and boosted trees of two views, in log-odds"
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 5
    requires: ClassVar[tuple[str, ...]] = ("lightgbm", "scikit-learn")
    flexible: ClassVar[bool] = True
    heavy: ClassVar[bool] = True
    shares: ClassVar[tuple[float, ...]] = (1 / 3, 1 / 3, 1 / 3)

    def bases(self) -> list[Learner]:
        """As they are grown for engagement alone."""
        forest, views = RandomForest(seed=self.seed, min_leaf=40), TwoViews(seed=self.seed, trees=120)
        return [Logistic(seed=self.seed), forest, views]
