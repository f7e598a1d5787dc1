"""Whether a contest's winner should serve: against the base rate, and against the model that serves."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.scores import clustered_interval, log_losses
from models.tracking.pages import Decision

Gain = tuple[float, float, float]  # a mean, and the low and high of its player-clustered 95 % interval
FEWEST_FAIR = 300


@dataclass(frozen=True)
class Incumbent:
    """The champion of a task.

    Attributes:
        name: For people: `version 3`.
        model: None where it cannot serve any more.
        trained_to: The last day that it knew.
        gone: Why it cannot serve any more, as the end of a sentence about it; empty where it can.
    """

    name: str
    model: Any
    trained_to: dt.date
    gone: str = ""


@dataclass(frozen=True)
class Against:
    """A contest's winner against the incumbent.

    Attributes:
        name: The incumbent's.
        rows: Rows of the later holdout that the incumbent had not seen either.
        gain: Mean log-loss of the incumbent less the winner's on them; None where there are fewer than FEWEST_FAIR.
        gone: See `Incumbent`.
    """

    name: str
    rows: int
    gain: Gain | None
    gone: str = ""


def compare(
    incumbent: Incumbent,
    test: pl.DataFrame,
    label: str,
    losses: NDArray[Any],
    seen_by: Callable[[Any, pl.DataFrame], pl.DataFrame],
) -> Against:
    """How the winner of a contest does against the incumbent, on rows whose day the incumbent had not seen.

    Args:
        incumbent: The model that serves.
        test: The contest's later holdout: player_key, base_day, the label and what a model looks at.
        label: The column with what happened, 0 or 1.
        losses: The winner's log-loss of each row.
        seen_by: (model, rows) to the rows as the model looks at them, in the same order.
    """
    if incumbent.gone:
        return Against(incumbent.name, 0, None, incumbent.gone)
    fair = (test["base_day"] > incumbent.trained_to).to_numpy()
    rows = test.filter(fair)
    if rows.height < FEWEST_FAIR:
        return Against(incumbent.name, rows.height, None)
    promised = incumbent.model.predict(seen_by(incumbent.model, rows))
    gains = log_losses(rows[label].to_numpy().astype(float), promised) - losses[fair]
    return Against(incumbent.name, rows.height, with_interval(gains, rows["player_key"].to_numpy()))


def better_than_guessing(gain: Gain, against: Against | None) -> Decision:
    """Promote what beats the base rate beyond the noise of the later holdout's players, unless what serves is better.

    Between equals the newer serves, since it knows more days. What serves stays as long as too few days have passed to
    compare the two on days that neither has seen.
    """
    mean, low, high = gain
    told = f"log-loss {mean:+.4f} better than the base rate ({low:+.4f} to {high:+.4f}) on the later holdout"
    if low <= 0:
        return Decision(promote=False, reason=f"not beyond noise: {told}")
    if against is None:
        return Decision(promote=True, reason=told)
    if against.gone:
        return Decision(promote=True, reason=f"{told}; {against.name}, which served, {against.gone}")
    if against.gain is None:
        few = f"{against.name} serves on: it has seen all but {against.rows} of these rows, too few to compare"
        return Decision(promote=False, reason=f"{few}; {told}")
    mean, low, high = against.gain
    rival = f"log-loss {mean:+.4f} better than {against.name} ({low:+.4f} to {high:+.4f}) on {against.rows:,} rows"
    stays = f"{against.name} is better: " if high < 0 else ""
    return Decision(promote=high >= 0, reason=f"{stays}{rival} that neither had seen; {told}")


def with_interval(values: NDArray[np.float64], clusters: NDArray[np.int64]) -> Gain:
    """The mean of values, with its 95 % interval when whole clusters are drawn with replacement."""
    low, high = clustered_interval(values, clusters)
    return float(values.mean()), float(low), float(high)
