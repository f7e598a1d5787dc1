"""How much came in for each of the last days, counted as it was known when each day's own night came."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.known import Known

Counts = NDArray[np.float64]
AT_ONCE = 50_000  # players whose rows are counted together: beyond them memory does not grow
WEEK, WEEKS = 7, 8
DAYS = WEEK * (WEEKS + 2)
COLUMNS = {"kind": pl.String, "name": pl.String, "cohort": pl.String, "back": pl.Int32, "n": pl.Float64}


@dataclass(frozen=True)
class InputCounts:
    """Counts of DAYS days, the newest first: an array for each kind and name, with a row for each cohort.

    Attributes:
        cohorts: Sorted; '' is the row of what is not told by cohort.
        counts: By (kind, name), as `data/sql/publish/input_counts.sql` names them.
    """

    cohorts: Sequence[str]
    counts: dict[tuple[str, str], Counts]

    def of(self, kind: str, name: str) -> Counts:
        """The counts of one name, (cohorts, DAYS); zeros where there are none."""
        return self.counts.get((kind, name), np.zeros((len(self.cohorts), DAYS)))

    def names(self, kind: str) -> list[str]:
        """The names of a kind."""
        return [name for each, name in self.counts if each == kind]


def read_input_counts(known: Known, base_day: dt.date, cut: dt.datetime) -> InputCounts:
    """Count the input of the last DAYS days.

    Args:
        known: What the night may see.
        base_day: The day after the newest.
        cut: Nothing that became available later is counted; for days before, as much earlier.
    """
    limits = {"base_day": base_day, "cut": cut, "days": DAYS}
    ((first, last),) = known.rows("SELECT coalesce(min(player_key), 0), coalesce(max(player_key), 0) FROM players")
    parts = []
    for some in range(first, last + 1, AT_ONCE):
        mine = {"first": some, "last": some + AT_ONCE - 1}
        parts.append(known.frame(known.fixed("publish/input_counts"), limits | mine))
        known.warehouse.ease()  # the next ones take memory, too
    counts = pl.concat(parts).group_by("kind", "name", "cohort", "back").agg(pl.col("n").sum())
    return input_counts_of(counts.sort("kind", "name", "cohort", "back"))


def input_counts_of(rows: pl.DataFrame) -> InputCounts:
    """Rows of COLUMNS as counts."""
    cohorts = rows["cohort"].unique().sort().to_list()
    counts: dict[tuple[str, str], Counts] = {}
    for (kind, name), part in rows.partition_by("kind", "name", as_dict=True, maintain_order=True).items():
        each = counts[str(kind), str(name)] = np.zeros((len(cohorts), DAYS))
        each[np.searchsorted(cohorts, part["cohort"].to_list()), part["back"].to_numpy()] = part["n"].to_numpy()
    return InputCounts(cohorts, counts)
