"""Whether a feature knows the answer: what looks too good is held for a leak until somebody has found out why."""

import numpy as np
import polars as pl

from configs.errors import NightquestError
from models.contest.scores import auc

TOO_GOOD = 0.995  # nothing that ends before the question begins tells so well who will and who will not
FEWEST = 30  # of each outcome


def refuse_leaks(task: str, features: pl.DataFrame, happened: pl.Series, kinds: pl.DataFrame | None = None) -> None:
    """Refuse features of which one alone tells the outcome.

    Args:
        task: Its name.
        features: What learners read of later rows.
        happened: 0 or 1.
        kinds: What tells kinds of questions apart. A kind that always or never comes true, such as of a thing that
            nobody does, is known by what is asked, and proves nothing.

    Raises:
        NightquestError: One does.
    """
    y = happened.cast(pl.Float64).to_numpy()
    if kinds is not None and kinds.width:
        asked = kinds.with_columns(y=pl.Series(y))
        open_ones = asked.select((pl.col("y").min() < pl.col("y").max()).over(kinds.columns)).to_series()
        features, y = features.filter(open_ones), y[open_ones.to_numpy()]
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
