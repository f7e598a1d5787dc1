"""Did the input break? The newest day and week of play against what the same weekdays and the app's own swings allow.

A day is below what is allowed when it is lower than the same weekday in each of the four weeks before, and fell from a
week ago by more than all but one in twenty days of the last eight weeks did. That leaves room for weekends, growth,
decay and the end of a campaign, whose level was seen before; what was tapering off already is not judged. Beyond that,
a loss of 30 % of all play, or of nine tenths of a metric or a cohort, is a break if chance could hardly make it.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from data.warehouse import Warehouse
from pipelines.night import Night

WIDTHS = {1: "day", 7: "week"}
WEEK, WEEKS, SAME_WEEKDAYS = 7, 8, 4
DAYS = WEEK * (WEEKS + 2)
FEWEST_RATIOS = 14
LOW_RATIO = 0.05
STEADY = 0.6
KEPT = {"play": 0.7, "metric": 0.1, "cohort": 0.1}
# Counts vary as their square root: this many standard deviations below what is allowed.
CHANCE = 5.5
NO_PULSE = pl.DataFrame(schema={"kind": pl.String, "name": pl.String, "back": pl.Int32, "n": pl.Float64})


def input_pulse(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """How much play of each of the last DAYS days was known when its own night came.

    Args:
        warehouse: With the known_* views of the night in place.
        night: Its base day and cut.

    Returns:
        kind ('play', 'metric' or 'cohort'), name, back (days before the newest, which is 0) and n.
    """
    limits = {"base_day": night.base_day, "cut": night.cut, "days": DAYS}
    return warehouse.frame(warehouse.fixed("pulse"), limits)


def broken_input(pulse: pl.DataFrame) -> Iterator[str]:
    """What of the input broke, a sentence each. A newest day without any play is silence, which is no finding here."""
    newest = pulse.filter((pl.col("kind") == "play") & (pl.col("back") == 0))
    if newest.is_empty():
        return
    for (kind, name), rows in pulse.partition_by("kind", "name", as_dict=True, maintain_order=True).items():
        days = np.zeros(DAYS)
        days[rows["back"].to_numpy()] = rows["n"].to_numpy()
        for width, span in WIDTHS.items():
            counts = np.convolve(days, np.ones(width), "valid")
            least = least_allowed(counts)
            if counts[0] < least * KEPT[str(kind)] and 2 * (np.sqrt(least) - np.sqrt(counts[0])) > CHANCE:
                told = name if kind == "play" else f"events of {kind} '{name}'"
                yield f"{counts[0]:,.0f} {told} on the newest {span}, {counts[WEEK]:,.0f} a week before"
                break


def least_allowed(counts: np.ndarray) -> float:
    """The lowest newest count that past ones allow; 0 where they do not say.

    Args:
        counts: Of a day or of some days each, newest first; at least WEEK * (WEEKS + 1) of them.
    """
    same = counts[WEEK : WEEK * (WEEKS + 1) : WEEK]
    since = same[: np.max(np.nonzero(same), initial=-1) + 1]
    then, now = counts[WEEK + 1 : WEEK * (WEEKS + 1)], counts[1 : WEEK * WEEKS]
    ratios = now[then > 0] / then[then > 0]
    if len(since) < SAME_WEEKDAYS or len(ratios) < FEWEST_RATIOS or counts[WEEK] < STEADY * np.median(since):
        return 0.0
    swing = min(1.0, float(np.quantile(ratios, LOW_RATIO)))
    return float(min(same[:SAME_WEEKDAYS].min(), counts[WEEK] * swing))
