"""Kinds of players and questions, and how answers do for each: a mean may hide who is served badly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.contest.scores import clustered_mean, differs, log_losses, share_interval

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_ACTIVE = {"active_days_28": 1, "active_28": 28}  # what tells how much a player plays, and how many days one of it is
SORTS = ("window_days", "metric", "level")  # columns each value of which is a kind of question
Called = Callable[[str, Any], str]  # of such a column and value, what the kind is called
ALL = "all"
FEWEST_TOLD = 5.0  # times that a question came true, or was expected to; of fewer a kind of question tells nothing
ALIKE_ROWS = 20.0  # rows of what is usual, that the rate of each kind of question is drawn to
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
        off: What happened differs from what was promised beyond the noise of these players, row by row.
    """

    name: str
    rows: int
    players: int
    promised: float
    happened: tuple[float, float, float]
    loss: float
    ahead: tuple[float, float, float]
    off: bool


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


def never_held(
    rows: pl.DataFrame, held: pl.DataFrame, sorts: Sequence[str] = SORTS, called: Called = as_columns_say
) -> tuple[str, ...]:
    """What kinds of question are called that were asked and of which none is among those held back.

    Args:
        rows: All questions of the past.
        held: Those of the later holdout.
        sorts: The columns that tell questions apart; those that are there.
        called: What a kind is called.
    """
    there = [name for name in sorts if name in rows.columns]
    lacking = {name: set(rows[name].unique()) - set(held[name].unique()) for name in there}
    return tuple(called(name, value) for name, values in lacking.items() for value in sorted(values))


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


def base_rates(before: pl.DataFrame, label: str, asked: pl.DataFrame, sorts: Sequence[str] = SORTS) -> Array:
    """What is said of each row that is asked about without a model: how often its kind of question came true before.

    Kinds of question that came but a few times before are drawn to what came of all.

    Args:
        before: Earlier rows.
        label: Their column with what happened, 0 or 1.
        asked: The rows asked about.
        sorts: The columns that tell questions apart; those that are there.
    """
    by = [name for name in sorts if name in asked.columns]
    happened = before.select(*by, y=pl.col(label).cast(pl.Float64))
    usual = float(happened["y"].mean())  # type: ignore[arg-type]
    if not by:
        return np.full(asked.height, usual)
    rates = happened.group_by(by).agg(rate=(pl.col("y").sum() + ALIKE_ROWS * usual) / (pl.len() + ALIKE_ROWS))
    told = asked.select(by).join(rates, on=by, how="left", maintain_order="left", nulls_equal=True)
    return told["rate"].fill_null(usual).to_numpy()


def by_kind(kinds: Mapping[str, Mask], y: Array, p: Array, base: Array, players: NDArray[np.int64]) -> list[OfKind]:
    """How answers do for all, and for each kind that has rows, leaves some out, and tells more than nothing.

    Args:
        kinds: Which rows are of each, see `kinds_of`.
        y: What happened, 0 or 1, shape (n,).
        p: What was promised, shape (n,).
        base: What would have been promised without a model, see `base_rates`, shape (n,).
        players: Whose rows they are, shape (n,).
    """
    losses = log_losses(y, p)
    gains = log_losses(y, base) - losses
    told = []
    for name, here in {ALL: np.ones(len(y), dtype=bool), **kinds}.items():
        if name != ALL and (here.all() or max(y[here].sum(), p[here].sum()) < FEWEST_TOLD):
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
                off=differs(y[here], p[here], players[here]),
            )
        )
    return told
