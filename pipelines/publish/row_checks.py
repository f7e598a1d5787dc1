"""What the audit asks of every row of a staged table: one pass over its file, counts by check.

A piece of one table is in memory at a time. Of ids that may not stand twice in several tables hashes are kept.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.nouns import counted
from data.contracts_out import Contract, breaches, surely_kept
from pipelines.pins import Night
from pipelines.publish.published import Published
from pipelines.publish.rows import AT_A_TIME
from pipelines.publish.tables import published_tables

CONTRACTS, ONE_NIGHT, KEYS = "contracts", "one night", "unique keys"
NUMBERS, DATES, TEXTS = "probabilities", "dates", "texts"
# Ids that may not stand twice, in one of the tables or in two.
_IDS = {
    ("challenges", "messages", "achievements"): "content_id",
    ("badges_held",): "award_id",
    ("xp_ledger",): "entry_id",
    ("reward_ledger",): "entry_id",
}
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class RowFindings:
    """What was found in the rows of a staged night.

    Attributes:
        sound: The tables with the columns and types of their contract, whose rows were looked at.
        faults: By check, a sentence for each fault, never a row's data.
    """

    sound: frozenset[str]
    faults: Mapping[str, list[str]]


@dataclass(frozen=True)
class _Rule:
    """What is true of a row that breaks something, and how that is told of so many of them."""

    check: str
    broken: pl.Expr
    told: str


def look_at_rows(staged: Published, night: Night) -> RowFindings:
    """Look at every row of every staged table that has a contract.

    Args:
        staged: The night, see `stage.staged`.
        night: Whose `as_of` and app every row must carry.
    """
    known = {name: table.contract for name, table in published_tables().items() if name in staged.manifest.tables}
    sound = frozenset(name for name in known if staged.scan(name).collect_schema() == known[name].types)
    faults, ids = defaultdict[str, list[str]](list), defaultdict[tuple[str, ...], list[Hashes]](list)
    for name, contract in known.items():
        kept = False
        if name in sound:
            kept = _look(staged, name, contract, night, faults, ids)
        if not kept and (broken := breaches(contract, staged.parts(name, AT_A_TIME))):
            faults[CONTRACTS].append(f"{name}: {', '.join(broken)}")
    faults[KEYS].extend(_ids_twice(staged, sound, ids))
    return RowFindings(sound, faults)


def _look(
    staged: Published,
    name: str,
    contract: Contract,
    night: Night,
    faults: Mapping[str, list[str]],
    ids: Mapping[tuple[str, ...], list[Hashes]],
) -> bool:
    """Look at a table, adding to `faults` and `ids`; whether it keeps its contract for sure."""
    rules, kept = [*_rules(name, contract, night)], True
    counts, last = np.zeros(len(rules), dtype=np.int64), pl.DataFrame()
    alike = [tables for tables in _IDS if name in tables]
    copies = early = 0
    for piece in staged.parts(name, AT_A_TIME):
        kept = kept and piece.select(surely_kept(contract)).item()
        counts += piece.select(rule.broken.sum().alias(str(n)) for n, rule in enumerate(rules)).row(0)
        beside = pl.concat([last, piece.select(contract.key)])
        again, before = _beside(contract.key)
        copies += beside.select(again.slice(1).sum()).item()
        early += beside.select(before.slice(1).sum()).item()
        last = beside.tail(1)
        for tables in alike:
            ids[tables].append(piece[_IDS[tables]].hash().to_numpy())
    for rule, count in zip(rules, counts, strict=True):
        if count:
            faults[rule.check].append(rule.told.format(n=f"{count:,}", rows=counted(int(count), "row")))
    key = ", ".join(contract.key)
    if copies:
        faults[KEYS].append(f"{name} has {counted(copies, 'row')} with a ({key}) that is there already")
    if early:
        faults[KEYS].append(f"{name} has {counted(early, 'row')} out of the order of ({key})")
    return kept


def _rules(name: str, contract: Contract, night: Night) -> Iterator[_Rule]:
    own = (pl.col("app") == night.app.app) & (pl.col("as_of") == night.as_of)
    yield _Rule(ONE_NIGHT, ~own.fill_null(value=False), f"{name} has {{rows}} of another app or night")
    for column, kind in contract.types.items():
        share = column in contract.shares
        if kind.is_float():
            fine = pl.col(column).is_between(0, 1) if share else pl.col(column).is_finite()
            fault = "outside 0 to 1" if share else "not a finite number"
            yield _Rule(NUMBERS, ~fine, f"{name}.{column} is {fault} in {{rows}}")
    if name == "challenges":
        yield from _dates(night)
    for column in contract.texts:
        text = pl.col(column)
        yield _Rule(TEXTS, text.str.contains(r"[{}]"), f"{name}.{column} has an unfilled slot in {{rows}}")
        yield _Rule(TEXTS, text.str.strip_chars() == "", f"{name}.{column} is blank in {{rows}}")


def _dates(night: Night) -> Iterator[_Rule]:
    early = pl.col("is_new") & (pl.col("valid_from") < pl.col("as_of"))
    yield _Rule(DATES, early, "new challenges that start before the day that the night serves: {n}")
    # Where the day begins later than in the app's own zone, the day before the base day may run on.
    over = pl.col("valid_until") < night.base_day - dt.timedelta(days=1)
    yield _Rule(DATES, over, "challenges that were over before the night: {n}")
    yield _Rule(DATES, pl.col("valid_until") < pl.col("valid_from"), "challenges that end before they start: {n}")


def _beside(key: Sequence[str]) -> tuple[pl.Expr, pl.Expr]:
    """Of each row whether its key is that of the row before it, and whether it comes before that row; nulls first."""
    pairs = [(pl.col(name), pl.col(name).shift()) for name in key]
    less = [(own < prior).fill_null(own.is_null() & prior.is_not_null()) for own, prior in pairs]
    same = [own.eq_missing(prior) for own, prior in pairs]
    columns = [*zip(less, same, strict=True)]
    before = reduce(lambda rest, pair: pair[0] | (pair[1] & rest), reversed(columns), pl.lit(value=False))
    return pl.all_horizontal(same), before


def _ids_twice(staged: Published, sound: frozenset[str], ids: Mapping[tuple[str, ...], list[Hashes]]) -> Iterator[str]:
    for tables, column in _IDS.items():
        hashes = np.sort(np.concatenate(ids[tables])) if ids[tables] else np.array([], dtype=np.uint64)
        if not (hashes[1:] == hashes[:-1]).any():
            continue
        there = [staged.scan(name).select(column) for name in tables if name in sound]
        counts = pl.concat(there).group_by(column).len()
        if copies := counts.select((pl.col("len") - 1).sum()).collect(engine="streaming").item():
            yield f"{counted(copies, column)} in {' and '.join(tables)} twice"
