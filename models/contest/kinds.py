"""Kinds of players and questions, and how answers do for each: a mean may hide who is served badly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.contest.scores import clustered_mean, log_losses, share_interval

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ACTIVE = {"active_days_28": 1, "active_28": 28}  # what tells how much a player plays, and how many days one of it is
SORTS = ("window_days", "metric", "level")  # columns each value of which is a kind of question
Called = Callable[[str, Any], str]  # of such a column and value, what the kind is called
ALL = "all"
_WIDE = 1.96  # standard errors to either end of a 95 % interval


@dataclass(frozen=True)
class OfKind:
    """How answers do for one kind on the later holdout, intervals by player.

    Attributes:
        name: Of the kind.
        rows: Of the holdout.
        players: Whose these are.
        promised: The mean answer.
        happened: The share in which it happened, with the low and high of its 95 % interval.
        loss: Mean log-loss.
        ahead: Mean log-loss of the base rate less that of the answers, with its interval.
    """

    name: str
    rows: int
    players: int
    promised: float
    happened: tuple[float, float, float]
    loss: float
    ahead: tuple[float, float, float]

    @property
    def off(self) -> bool:
        """Whether what happened differs from what was promised beyond the noise of these players."""
        return not self.happened[1] <= self.promised <= self.happened[2]


def as_columns_say(column: str, value: object) -> str:
    """A kind called by its column and value, where nobody knows better."""
    return f"{column.replace('_', ' ')} {value}"


def kinds_of(rows: pl.DataFrame, sorts: Sequence[str] = SORTS, called: Called = as_columns_say) -> dict[str, Mask]:
    """Kinds of players and questions, by name: which rows are of each.

    Quarters by days with play of the last four weeks, and every value of the columns that tell questions apart.

    Args:
        rows: Questions of players.
        sorts: The columns that tell questions apart; those that are there.
        called: What a kind is called.
    """
    found = quarters_of(rows)
    for column in (name for name in sorts if name in rows.columns):
        for value in rows[column].unique().sort():
            found[called(column, value)] = _mask(rows[column] == value)
    return found


def quarters_of(rows: pl.DataFrame) -> dict[str, Mask]:
    """Quarters by days with play of the last four weeks, named by these: fewer and uneven where many play as often."""
    active = next((name for name in _ACTIVE if name in rows.columns), None)
    if active is None or not rows.height:
        return {}
    days, found = (rows[active] * _ACTIVE[active]).round(0), dict[str, Mask]()
    rank = (days.rank("average") / rows.height * 4).ceil().clip(1, 4)
    for place in rank.drop_nulls().unique().sort():
        mine = days.filter(rank == place).cast(pl.Int64).sort()
        low, high = mine[0], mine[-1]
        found[f"played on {low if low == high else f'{low} to {high}'} of 28 days"] = _mask(rank == place)
    return found


def _mask(here: pl.Series) -> Mask:
    return here.fill_null(value=False).to_numpy()


def by_kind(kinds: Mapping[str, Mask], y: Array, p: Array, base: float, players: NDArray[np.int64]) -> list[OfKind]:
    """How answers do for all, and for each kind that has rows and leaves some out.

    Args:
        kinds: Which rows are of each, see `kinds_of`.
        y: What happened, 0 or 1, shape (n,).
        p: What was promised, shape (n,).
        base: The base rate, which would have been promised without a model.
        players: Whose rows they are, shape (n,).
    """
    losses = log_losses(y, p)
    gains = log_losses(y, np.full(len(y), base)) - losses
    told = []
    for name, here in {ALL: np.ones(len(y), dtype=bool), **kinds}.items():
        if not here.any() or (here.all() and name != ALL):
            continue
        mean, error, count = clustered_mean(gains[here], players[here])
        told.append(
            OfKind(
                name=name,
                rows=int(here.sum()),
                players=count,
                promised=float(p[here].mean()),
                happened=(float(y[here].mean()), *share_interval(y[here], players[here])),
                loss=float(losses[here].mean()),
                ahead=(mean, mean - _WIDE * error, mean + _WIDE * error),
            )
        )
    return told
