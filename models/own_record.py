"""Players' own past windows, laid out so that one pass weighs any number of targets against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]
_AT_ONCE = 100_000  # questions weighed together: what is looked at stays in the processor's cache
_ROWS_AT_ONCE = 4_000  # so many with all of their targets, for the same reason


def places(rows: pl.DataFrame, keys: pl.DataFrame, on: Sequence[str]) -> Places:
    """The row of `keys` that each row's key is, shape (n,).

    Args:
        rows: The columns `on`.
        keys: The columns `on`, each row once; every key of `rows` is there.
        on: What tells keys apart.
    """
    numbered = keys.select(on).with_columns(_at=pl.int_range(pl.len(), dtype=pl.Int64))
    return rows.select(on).join(numbered, on=on, how="left", maintain_order="left")["_at"].to_numpy()


@dataclass(frozen=True)
class OwnRecord:
    """The past windows of some keys (a player, a day, a metric, a length), a row for each key.

    Attributes:
        values: What the windows came to, highest first, -inf behind the last; shape (keys, most windows of one).
        weights: Of each key, the weight of its first 0, 1, 2, … windows; shape (keys, most windows of one + 1).
        totals: evidence (the weight of all), past_mean and past_square (weighted means); null without a window.
    """

    values: Array
    weights: Array
    totals: pl.DataFrame

    @classmethod
    def of(cls, keys: pl.DataFrame, past: pl.DataFrame, on: Sequence[str]) -> Self:
        """Lay out the past windows of the keys.

        Args:
            keys: The columns `on`, each row once.
            past: The columns `on`, value (signed: higher is better) and weight; of other keys too.
            on: What tells keys apart.
        """
        numbered = keys.select(on).with_columns(_at=pl.int_range(pl.len(), dtype=pl.Int64))
        mine = past.select(*on, "value", "weight").join(numbered, on=on, how="inner", maintain_order="left")
        ordered = mine.select("_at", "value", "weight").sort("_at", "value", descending=[False, True])
        at = ordered["_at"].to_numpy()
        counts = np.bincount(at, minlength=keys.height)
        most = int(counts.max(initial=0))
        column = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
        values = np.full((keys.height, most), -np.inf)
        values[at, column] = ordered["value"].to_numpy()
        weights = np.zeros((keys.height, most + 1))
        weights[at, column + 1] = ordered["weight"].to_numpy()
        np.cumsum(weights, axis=1, out=weights)
        return cls(values, weights, _totals(mine, keys.height))

    def reached(self, at: Places, targets: Array) -> Array:
        """The weight of the windows that came to at least each target.

        Args:
            at: The row of each question's key, shape (n,).
            targets: Signed, shape (n,).
        """
        found = np.empty(len(at))
        for first in range(0, len(at), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            above = (self.values[at[part]] >= targets[part, None]).sum(axis=1)
            found[part] = self.weights[at[part], above]
        return found

    def reached_each(self, at: Places, targets: Array) -> Array:
        """What `reached` says of each question and every target, shape (n, targets): a window is looked at once.

        Args:
            at: The row of each question's key, shape (n,).
            targets: Signed, rising, shape (targets,).
        """
        found, most = np.empty((len(at), len(targets))), len(targets) + 1
        for first in range(0, len(at), _ROWS_AT_ONCE):
            some = at[first : first + _ROWS_AT_ONCE]
            came_to = np.searchsorted(targets, self.values[some], side="right")  # so many targets, the lowest
            cells = (came_to + most * np.arange(len(some))[:, None]).ravel()
            windows = np.bincount(cells, minlength=most * len(some)).reshape(len(some), most)
            above = windows[:, :0:-1].cumsum(axis=1)[:, ::-1]
            found[first : first + len(some)] = self.weights[some[:, None], above]
        return found

    def told(self, at: Places) -> list[pl.Series]:
        """evidence, past_mean and past_sd of each question's key; without a window the evidence is 0, the rest null."""
        every = self.totals.select(
            pl.col("evidence").fill_null(0.0),
            "past_mean",
            past_sd=(pl.col("past_square") - pl.col("past_mean") ** 2).clip(0.0).sqrt(),
        )
        return every[at].get_columns()


def _totals(mine: pl.DataFrame, keys: int) -> pl.DataFrame:
    total = pl.col("weight").sum()
    sums = mine.group_by("_at").agg(
        evidence=total,
        past_mean=(pl.col("value") * pl.col("weight")).sum() / total,
        past_square=(pl.col("value") ** 2 * pl.col("weight")).sum() / total,
    )
    every = pl.DataFrame({"_at": pl.int_range(keys, dtype=pl.Int64, eager=True)})
    return every.join(sums, on="_at", how="left", maintain_order="left").drop("_at")
