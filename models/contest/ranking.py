"""How good the first few of a ranking are."""

from collections.abc import Sequence

import polars as pl


def ndcg_at(k: int, rows: pl.DataFrame, whose: Sequence[str], by: str, hit: str) -> pl.DataFrame:
    """Normalised discounted cumulative gain of the first k of each who had a hit at all.

    Gain 1 for a hit, discount log2(1 + place) (Järvelin and Kekäläinen 2002, ACM TOIS 20, 422).

    Args:
        k: How many.
        rows: A row for each of those that rank and each thing that is ranked.
        whose: Columns that tell rankings apart.
        by: Column of what ranks first, the largest; equal ones keep the order of the rows.
        hit: Column, 1 or true for what was right.

    Returns:
        The columns of `whose`, in their order, and `value`.
    """
    placed = _placed(rows, whose, by)
    gain = pl.col(hit).cast(pl.Float64) / (pl.col("place") + 1).log(2)
    ideal = (1 / (pl.int_range(1, k + 1) + 1).log(2)).cum_sum()
    best = pl.select(n=pl.int_range(1, k + 1), ideal=ideal)
    each = placed.group_by(whose).agg(
        gain.filter(pl.col("place") <= k).sum().alias("gain"), n=pl.col(hit).cast(pl.Int64).sum().clip(0, k)
    )
    told = each.filter(pl.col("n") > 0).join(best, on="n").select(*whose, value=pl.col("gain") / pl.col("ideal"))
    return told.sort(whose)


def recall_at(k: int, rows: pl.DataFrame, whose: Sequence[str], by: str, hit: str) -> pl.DataFrame:
    """The share of the hits that are among the first k, of each who had a hit; see `ndcg_at`."""
    hits = pl.col(hit).cast(pl.Float64)
    each = _placed(rows, whose, by).group_by(whose).agg(found=hits.filter(pl.col("place") <= k).sum(), of=hits.sum())
    return each.filter(pl.col("of") > 0).select(*whose, value=pl.col("found") / pl.col("of")).sort(whose)


def coverage_at(k: int, rows: pl.DataFrame, whose: Sequence[str], by: str, thing: str) -> float:
    """The share of all things that are among the first k of somebody; see `ndcg_at`."""
    first = _placed(rows, whose, by).filter(pl.col("place") <= k)
    return first[thing].n_unique() / rows[thing].n_unique() if rows.height else float("nan")


def _placed(rows: pl.DataFrame, whose: Sequence[str], by: str) -> pl.DataFrame:
    """The rows with their place in their ranking, from 1."""
    ordered = rows.sort([*whose, by], descending=[False] * len(whose) + [True], maintain_order=True)
    return ordered.with_columns(place=pl.int_range(1, pl.len() + 1).over(whose))
