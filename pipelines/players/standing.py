"""How players stand among comparable ones: who is compared with whom, and where a value lies among theirs."""

from collections.abc import Callable

import polars as pl

# A group of fewer players than this says more about single players than about the group.
FEWEST_PLAYERS = 20
EVERYONE, IN_SEGMENT, IN_COHORT = "everyone", "in_segment", "in_cohort"


def comparable(segments: pl.DataFrame) -> pl.DataFrame:
    """The groups that each player may be compared with.

    Args:
        segments: player_key, judged_as (the cohort compared with), segment.

    Returns:
        player_key, in_segment (who shares cohort and segment) and in_cohort, in the order of `segments`.
    """
    both = pl.format("{}\n{}", "judged_as", "segment")
    return segments.select("player_key", both.alias(IN_SEGMENT), pl.col("judged_as").cast(pl.String).alias(IN_COHORT))


def narrowest(enough: Callable[[str], pl.Expr]) -> pl.Expr:
    """Which of IN_SEGMENT, IN_COHORT and EVERYONE a row is compared with: the narrowest that is large enough.

    Args:
        enough: From one of the first two to whether the row's own group is large enough.
    """
    segment = pl.when(enough(IN_SEGMENT)).then(pl.lit(IN_SEGMENT))
    return segment.when(enough(IN_COHORT)).then(pl.lit(IN_COHORT)).otherwise(pl.lit(EVERYONE))


def strength(column: str | pl.Expr, better: str) -> pl.Expr:
    """A metric's value signed so that more is better; null where it is unknown."""
    value = (pl.col(column) if isinstance(column, str) else column).fill_nan(None)
    return value if better == "higher" else -value


def mid_rank(strength: pl.Expr, *over: str) -> pl.Expr:
    """Standing, 0 to 1, among the rows that share the columns `over`, or all; an unknown value stands lowest.

    It is the mean rank less a half, over the number of rows.
    """
    rank, rows = strength.fill_null(float("-inf")).rank("average"), pl.len()
    return (rank.over(over) - 0.5) / rows.over(over) if over else (rank - 0.5) / rows


def rank_share(value: pl.Expr) -> pl.Expr:
    """Standing among the known values alone, the least 0 and the most 1; a half for an unknown or the only one.

    Who has no value is in the middle and not, as in `mid_rank`, last: it tells how somebody plays, not how well.
    """
    known = value.fill_nan(None)
    share = (known.rank("average") - 1) / (known.count() - 1).clip(1)
    return pl.when(known.count() > 1).then(share).fill_null(0.5)
