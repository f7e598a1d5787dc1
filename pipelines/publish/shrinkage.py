"""What players find fewer of than on the nights before: tables that shrank, and nights that issue nothing new."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from configs.nouns import counted
from pipelines.pins import Night
from pipelines.publish.published import Published, TableFile, count_rows
from pipelines.publish.tables import published_tables

# Of how many past nights all must have had plenty for the coming one to miss it.
FEWEST_NIGHTS = 3
PLENTY = 20
_ADDING_UP = frozenset({"achievements", "badges_held", "reward_ledger", "xp_ledger"})  # whose rows stay


@dataclass(frozen=True)
class AuditLimits:
    """How far a standing table may shrink below what past nights had.

    Attributes:
        max_fall: The largest share that may be missing: of rows for each active player, or of rows where they add up.
        min_rows: A table that was smaller on one of the past nights is not judged.
        free: Tables that are not judged.
    """

    max_fall: float = 0.5
    min_rows: int = 50
    free: frozenset[str] = frozenset()


def row_counts(
    staged: Published, past: Sequence[Published], served: pl.DataFrame, limits: AuditLimits
) -> Iterator[str]:
    """What players find against the lowest of past nights: for each active player, or in all where it adds up."""
    for name, table in published_tables().items():
        counts = [(night.manifest.tables, night.manifest.tables[name].rows) for night in past if name in _of(night)]
        if name not in _of(staged) or name in limits.free or not table.contract.standing or not counts:
            continue
        if min(rows for _, rows in counts) < limits.min_rows:
            continue
        now = _of(staged)[name].rows
        if name in _ADDING_UP:
            fell, before = now < counts[0][1] * (1 - limits.max_fall), f"{counts[0][1]:,}"
        else:
            each = min(rows / max(files["profiles"].rows, 1) for files, rows in counts)
            fell, before = now < served.height * each * (1 - limits.max_fall), f"{each:.2g} for each active player"
        if fell:
            yield f"{name} fell to {counted(now, 'row')} for {counted(served.height, 'active player')}, from {before}"


def nothing_new(
    staged: Published, sound: frozenset[str], past: Sequence[Published], limits: AuditLimits, night: Night
) -> Iterator[str]:
    """Nothing is issued tonight of what each of the last nights issued plenty of, to players who have room for more."""
    if len(past) < FEWEST_NIGHTS:
        return
    for name in ("challenges", "messages"):
        lately = [earlier.scan(name) for earlier in past[:FEWEST_NIGHTS] if name in _of(earlier)]
        if name in limits.free or name not in sound or not all("is_new" in rows.collect_schema() for rows in lately):
            continue
        if count_rows(staged.scan(name).filter("is_new")):
            continue
        lately = [rows.filter("is_new").select("user_id") for rows in lately]
        if name == "challenges":
            held = staged.scan(name).group_by("user_id").len()
            full = held.filter(pl.col("len") >= night.app.challenges.most_open).collect(engine="streaming").lazy()
            lately = [rows.join(full, on="user_id", how="anti") for rows in lately]
        fewest = min(map(count_rows, lately), default=0)
        if fewest >= PLENTY:
            yield f"no new {name}, {fewest} or more on each of the {FEWEST_NIGHTS} nights before"


def _of(night: Published) -> Mapping[str, TableFile]:
    return night.manifest.tables
