"""Which targets of the menu come into question, told from records alone, before any model is asked."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.learners.empirical_bayes import KEY, PLAYER_KEY, EmpiricalBayes, shrunk
from models.own_record import OwnRecord, Places, places

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def ask_menu(
    record: EmpiricalBayes,
    past: pl.DataFrame,
    windows: pl.DataFrame,
    *,
    lowest: float,
    highest: float,
    nearest: int | None = None,
) -> pl.DataFrame:
    """The menu's targets whose shrunk record lies between two probabilities, for each window.

    Args:
        record: What all players reached, and the menu.
        past: PLAYER_KEY, value (signed), weight: the players' own windows.
        windows: PLAYER_KEY and any others; with `nearest` also `wanted`, a probability.
        lowest: The least probability.
        highest: The greatest.
        nearest: So many for each window, those whose record is nearest to `wanted` (of equally near ones the smaller
            target); None is all.

    Returns:
        The columns of `windows`, with target and what `EmpiricalBayes.weigh` adds, in the order of the windows and of
        rising targets.
    """
    keys = windows.select(PLAYER_KEY).unique(maintain_order=True)
    at = places(windows, keys, PLAYER_KEY)
    own = OwnRecord.of(keys, past, PLAYER_KEY)
    evidence = own.totals["evidence"].fill_null(0.0).to_numpy()
    found: dict[str, list[Array]] = {name: [] for name in ("row", "target", "reached", "population")}
    for here, menu, strength in _by_metric_and_length(record, windows):
        targets, share = menu["target"].to_numpy(), menu["population"].to_numpy()
        reached = own.reached_each(at[here], targets)
        chance = shrunk(reached, evidence[at[here], None], share, strength)
        near = (chance >= lowest) & (chance <= highest)
        if nearest is not None:
            near = _nearest(np.abs(chance - windows["wanted"].to_numpy()[here, None]), near, nearest)
        window, target = np.nonzero(near)
        parts = (here[window], targets[target], reached[window, target], share[target])
        for name, part in zip(found, parts, strict=True):
            found[name].append(part)
    told = {name: np.concatenate([np.zeros(0), *parts]) for name, parts in found.items()}
    row = told.pop("row").astype(np.int64)
    order = np.argsort(row, kind="stable")
    asked = [pl.Series(name, values[order]) for name, values in told.items()]
    return windows[row[order]].with_columns(*asked, *own.told(at[row[order]]))


def _by_metric_and_length(
    record: EmpiricalBayes, windows: pl.DataFrame
) -> Iterator[tuple[Places, pl.DataFrame, float]]:
    """The places of the windows of each metric and length that there is a menu for, that menu, and the strength.

    The menu has the population's share beside each target.
    """
    menu = record.menu.with_columns(record.population(record.menu)).sort("target")
    menus = menu.partition_by(KEY, as_dict=True)
    pairs = windows.select(KEY).unique(maintain_order=True)
    pair = places(windows, pairs, KEY)
    strengths = record.strength(pairs)
    for number, key in enumerate(pairs.iter_rows()):
        if key in menus:
            yield np.flatnonzero(pair == number), menus[key], strengths[number]


def _nearest(off: Array, near: Mask, most: int) -> Mask:
    """The first `most` of each row's near ones, in the order of `off`."""
    first = np.argsort(np.where(near, off, np.inf), axis=1, kind="stable")[:, :most]
    chosen = np.zeros_like(near)
    np.put_along_axis(chosen, first, values=True, axis=1)
    return chosen & near
