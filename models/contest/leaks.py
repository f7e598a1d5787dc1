"""Whether a feature knows the answer: what looks too good is held for a leak until somebody has found out why."""

import numpy as np
import polars as pl

from configs.errors import NightquestError
from models.contest.scores import auc

TOO_GOOD = 0.995  # nothing that ends before the question begins tells so well who will and who will not
FEWEST = 30  # of each outcome


def refuse_leaks(task: str, features: pl.DataFrame, happened: pl.Series) -> None:
    """Refuse features of which one alone tells the outcome.

    Args:
        task: Its name.
        features: What learners read of later rows.
        happened: 0 or 1.

    Raises:
        NightquestError: One does.
    """
    y = happened.cast(pl.Float64).to_numpy()
    if min(y.sum(), len(y) - y.sum()) < FEWEST:
        return
    told = {
        name: auc(y, features[name].fill_null(strategy="mean").fill_null(0).to_numpy()) for name in features.columns
    }
    known = [name for name, area in told.items() if np.isfinite(area) and max(area, 1 - area) >= TOO_GOOD]
    if known:
        raise NightquestError(
            f"The label of {task} leaks: {', '.join(known)} alone tells who will and who will not.",
            f"See in models/tasks/{task}.py whether it is made of what happened later.",
        )
