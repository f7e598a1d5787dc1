"""What jobs report when they are done."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class NightReport:
    """What a night did.

    Attributes:
        unchanged: It was out already.
        undelivered: A sentence for each destination that lacks nights; `notes` has them too.
        unrecorded: Which nights MLflow lacks and why, as a sentence that `notes` has too; empty where it has all.
    """

    as_of: dt.date
    figures: dict[str, Any]
    path: Path
    unchanged: bool
    notes: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    unrecorded: str = ""

    @property
    def stale(self) -> bool:
        """Whether its input was older than it uses to be; see pipelines.activity.freshness."""
        return bool(self.figures.get("stale"))

    @property
    def warned(self) -> bool:
        """Whether it is done and somebody should still see to something."""
        return self.stale or bool(self.undelivered or self.unrecorded)

    @property
    def issued(self) -> bool:
        """Whether its promises count; see pipelines.night.late."""
        return bool(self.figures.get("issued", True))


@dataclass(frozen=True)
class TrainReport:
    """What a training did: the contests as a table, the registered versions, and a note for every fallback."""

    as_of: dt.date
    contests: pl.DataFrame
    versions: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReplayReport:
    """The figures of a replay, its reliability plot, and every promise with its outcome as a Parquet file."""

    figures: dict[str, Any]
    plot: Path
    promises: Path


@dataclass(frozen=True)
class Submitted:
    """What was sent ahead: the ledger's keys of the batches, and the requests that they could hold."""

    as_of: dt.date
    batches: tuple[str, ...]
    requests: int
    notes: tuple[str, ...]
