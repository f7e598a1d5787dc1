"""A die that falls the same way for the same player and night, on every machine and with every version of a library."""

import zlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

_STEP, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def lot(*columns: str, seed: int) -> pl.Expr:
    """A whole number of 64 bits for each row, as good as random, fixed by the row's columns and the seed.

    Each column's value goes through a round of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
    number generators"); text counts by its CRC-32.

    Args:
        columns: Whole numbers, dates or text, none missing.
        seed: The night's.
    """
    return pl.struct(columns).map_batches(lambda rows: _lots(rows.struct.unnest(), seed), return_dtype=pl.UInt64)


def luck(*columns: str, seed: int) -> pl.Expr:
    """The same between 0 (included) and 1 (excluded)."""
    return lot(*columns, seed=seed) % 10_000 / 10_000


def _lots(rows: pl.DataFrame, seed: int) -> pl.Series:
    state = np.full(rows.height, seed, dtype=np.uint64)
    for column in rows:
        state = _mix(state ^ _numbers(column))
    return pl.Series(state)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def _numbers(column: pl.Series) -> NDArray[np.uint64]:
    if column.dtype == pl.String:
        known = {text: zlib.crc32(text.encode()) for text in column.unique()}
        column = column.replace_strict(known, return_dtype=pl.UInt64)
    return column.to_physical().cast(pl.Int64).to_numpy().astype(np.uint64)
