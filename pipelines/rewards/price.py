"""What an offer of points pays.

(base * difficulty ** exponent + per_minute * minutes) * chance ** -scarcity, rounded to `step` and never below it.
Difficulty is that of the promise, 1 to 10; minutes are those that it is expected to take, none where nothing tells.
With scarcity 1 an offer pays the same on average however seldom it comes.
"""

import polars as pl

from configs.rewards import RewardPrice


def price(given: RewardPrice, chance: float, level: pl.Expr, minutes: pl.Expr) -> pl.Expr:
    """Points that an offer of such a chance pays: see above."""
    worth = given.base * level.cast(pl.Float64) ** given.exponent + given.per_minute * minutes.fill_null(0)
    scarce = worth * float(chance**-given.scarcity)
    return ((scarce / given.step).round() * given.step).clip(given.step).cast(pl.Int32)
