"""How players stand, said in one place: who is compared with whom, and where a value lies among theirs."""

from math import isnan

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.players.standing import (
    EVERYONE,
    FEWEST_PLAYERS,
    IN_COHORT,
    IN_SEGMENT,
    comparable,
    mid_rank,
    narrowest,
    rank_share,
    strength,
)

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=30)


def of(values, expression):
    return pl.DataFrame({"x": values}, schema={"x": pl.Float64}).select(expression).to_series().to_list()


@given(VALUES)
def test_standing_is_symmetric_within_0_and_1_and_its_mean_is_a_half(values):
    found = of(values, mid_rank(strength("x", "higher")))
    assert all(0 < each < 1 for each in found)
    assert sum(found) / len(found) == pytest.approx(0.5)
    known = [value for value in values if value is not None and not isnan(value)]
    if len(known) == len(values):
        turned = of(values, mid_rank(strength("x", "lower")))
        assert [1 - each for each in turned] == pytest.approx(found)


@given(VALUES)
def test_an_unknown_value_stands_last_whichever_way_is_better_and_in_the_middle_of_a_share(values):
    unknown = [value is None or isnan(value) for value in values]
    for better in ("higher", "lower"):
        found = of(values, mid_rank(strength("x", better)))
        lowest = min(found)
        assert all(each == lowest for each, lacks in zip(found, unknown, strict=True) if lacks)
    shares = of(values, rank_share(pl.col("x")))
    assert all(each == 0.5 for each, lacks in zip(shares, unknown, strict=True) if lacks)
    assert all(0 <= each <= 1 for each in shares)


@pytest.mark.parametrize(
    ("own", "others", "kind"),
    [
        (FEWEST_PLAYERS, 0, IN_SEGMENT),
        (FEWEST_PLAYERS - 1, 1, IN_COHORT),
        (FEWEST_PLAYERS - 2, 1, EVERYONE),
    ],
)
def test_a_player_is_compared_with_the_narrowest_group_that_is_large_enough(own, others, kind):
    who = pl.DataFrame({
        "player_key": range(own + others + 5),
        "judged_as": ["fast"] * (own + others) + ["slow"] * 5,
        "segment": ["A"] * own + ["B"] * (others + 5),
    })  # fmt: skip
    groups = comparable(who)
    found = groups.with_columns(kind=narrowest(lambda group: pl.len().over(group) >= FEWEST_PLAYERS))
    assert set(found.head(own)["kind"]) == {kind}
    assert set(found.tail(5)["kind"]) == {EVERYONE}
    assert groups[IN_COHORT].to_list() == who["judged_as"].to_list()
