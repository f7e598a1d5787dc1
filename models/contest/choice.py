"""Who of those who competed serves."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.contest.scores import clustered_mean

Array = NDArray[np.float64]
STRETCH_DAYS = 28  # within which a season seldom turns
BEYOND_DOUBT = 1.96  # standard errors, where one stretch is all there is


def choose_winner(
    names: Sequence[str],
    losses: Mapping[str, Array],
    players: NDArray[np.int64],
    stretches: NDArray[np.int64] | None = None,
) -> str:
    """From the first on: an earlier learner stays unless another is better by more than the standard error.

    The rule of one standard error (Breiman, Friedman, Olshen and Stone 1984, Classification and Regression Trees,
    section 3.4.3), here of the difference on the same rows, by player. To ask for more keeps the simplest where there
    are few players; and what serves is not replaced by so little, see `models.contest.promotion`.

    Args:
        names: The learners, from simple to complex, the one that the task prefers before all.
        losses: Of each, of every row of the holdout, shape (n,).
        players: Whose the rows are, shape (n,).
        stretches: In which stretch of days they are, shape (n,): what was better in one season need not be in the
            next, so the error of stretches is added to that of players (Cameron, Gelbach and Miller 2011, J. Bus. Econ.
            Stat. 29, 238, without what they take off). Of one stretch alone that error cannot be told: there another
            has to be better beyond the 95 % interval by player. None: seasons are alike.
    """
    best = names[0]
    for other in names[1:]:
        better, error, _ = clustered_mean(losses[best] - losses[other], players)
        if stretches is not None:
            _, by_stretch, count = clustered_mean(losses[best] - losses[other], stretches)
            error = math.hypot(error, by_stretch) if count > 1 else BEYOND_DOUBT * error
        if better > error:
            best = other
    return best
