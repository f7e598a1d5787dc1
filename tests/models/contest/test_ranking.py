"""Rankings measured against figures worked out by hand."""

import math

import polars as pl
import pytest

from models.contest.ranking import coverage_at, ndcg_at, recall_at

WHOSE = ("player",)


def ranking(player: str, hits: str) -> pl.DataFrame:
    """Things a, b, c, … from the likeliest on; `1` where it was right."""
    rows = [(player, thing, -place, int(hit)) for place, (thing, hit) in enumerate(zip("abcdef", hits, strict=False))]
    return pl.DataFrame(rows, schema=["player", "thing", "p", "y"], orient="row")


def test_the_gain_of_a_ranking_is_that_of_the_definition():
    rows = ranking("one", "0101")
    gain = 1 / math.log2(3)  # a hit at place 2, the other beyond 3
    assert ndcg_at(3, rows, WHOSE, "p", "y")["value"].to_list() == pytest.approx([gain / (1 + 1 / math.log2(3))])
    assert recall_at(3, rows, WHOSE, "p", "y")["value"].to_list() == pytest.approx([0.5])
    assert ndcg_at(3, ranking("one", "1100"), WHOSE, "p", "y")["value"].to_list() == pytest.approx([1.0])


def test_who_had_no_hit_counts_not():
    rows = pl.concat([ranking("none", "000"), ranking("best", "100000"), ranking("worst", "0001")])
    assert ndcg_at(3, rows, WHOSE, "p", "y").rows() == [("best", 1.0), ("worst", 0.0)]
    assert recall_at(3, rows, WHOSE, "p", "y").rows() == [("best", 1.0), ("worst", 0.0)]
    assert ndcg_at(3, ranking("none", "000"), WHOSE, "p", "y").is_empty()


def test_coverage_is_the_share_of_things_that_somebody_is_told():
    rows = ranking("one", "000000")
    assert coverage_at(3, rows, WHOSE, "p", "thing") == pytest.approx(0.5)
    other = rows.with_columns(player=pl.lit("other"), p=-pl.col("p"))
    assert coverage_at(3, pl.concat([rows, other]), WHOSE, "p", "thing") == pytest.approx(1.0)
