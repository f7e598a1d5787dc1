"""How far two judges agree."""

from collections import Counter
from dataclasses import dataclass

import polars as pl

from pipelines.known import Known


@dataclass(frozen=True)
class Agreement:
    """Of verdicts that two providers gave.

    Attributes:
        n: How many.
        share: Of them on which both said the same; None without any.
        kappa: Cohen's kappa: agreement beyond what the two sets of answers would have by chance; None where chance
            alone makes it whole, as when both always say the same one thing.
    """

    n: int
    share: float | None
    kappa: float | None


def agreement_of(pairs: pl.DataFrame) -> Agreement:
    """Compare two judges.

    Args:
        pairs: first, second: what each decided of the same case.

    Returns:
        Cohen, J. (1960), A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20(1), p. 40.
    """
    n = pairs.height
    if not n:
        return Agreement(0, None, None)
    first, second = (Counter(pairs[name].to_list()) for name in ("first", "second"))
    same = pairs.filter(pl.col("first") == pl.col("second")).height / n
    by_chance = sum(first[decision] * second[decision] for decision in first) / n**2
    return Agreement(n, same, (same - by_chance) / (1 - by_chance) if by_chance < 1 else None)


def second_opinions(known: Known) -> pl.DataFrame:
    """badge_id, first and second: both decisions of every case that two providers gave an answer on, up to a night."""
    return known.frame(
        """SELECT badge_id, second_opinion ->> 'first' AS first, second_opinion ->> 'decision' AS second
           FROM verdicts WHERE second_opinion ->> 'decision' IS NOT NULL
                           AND (as_of < $as_of OR as_of = $as_of AND revision <= $revision)
           ORDER BY as_of, verdict_id""",
        {"as_of": known.as_of, "revision": known.night.revision},
    )
