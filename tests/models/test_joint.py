"""Several targets at once: the chance of all is learned as such, and stays within what the single chances allow."""

import numpy as np
import polars as pl
import pytest

from models.joint import Joint


def together(n: int, common: float, seed: int = 0, pair: str = "answers+votes") -> tuple[pl.DataFrame, np.ndarray]:
    """Two targets of players whose luck is `common` to both (0: their own, 1: the same), and whether both came."""
    draw = np.random.default_rng(seed)
    chances = draw.uniform(0.3, 0.9, (n, 2))
    same = draw.uniform(size=n) < common
    luck = np.where(same[:, None], draw.uniform(size=(n, 1)), draw.uniform(size=(n, 2)))
    rows = pl.DataFrame({"chances": chances.tolist(), "pairs": [[pair]] * n})
    return rows, (luck < chances).all(axis=1).astype(float)


@pytest.mark.parametrize("common", [0.0, 0.4, 0.9])
def test_what_is_promised_of_two_at_once_is_kept_where_their_product_is_not(common: float) -> None:
    joint = Joint.fit(*together(20_000, common), np.ones(20_000))
    rows, happened = together(20_000, common, seed=1)
    promised = joint.predict(rows)
    assert promised.mean() == pytest.approx(happened.mean(), abs=0.015)
    product = np.prod(np.array(rows["chances"].to_list()), axis=1).mean()
    assert abs(product - happened.mean()) > common / 10 - 1e-9


@pytest.mark.parametrize("joint", [Joint(), Joint(3.0), Joint(-6.0), Joint(shared=4.0), Joint(shared=-4.0)])
def test_whatever_was_learned_no_promise_leaves_what_the_single_chances_allow(joint: Joint) -> None:
    chances = [[0.8, 0.5], [0.9, 0.9], [0.7, 0.8, 0.85], [0.3, 0.3]]
    rows = pl.DataFrame({"chances": chances, "pairs": [["a+b"], ["a+b"], ["a+b", "a+c", "b+c"], ["a+b"]]})
    for of, chance in zip(chances, joint.predict(rows), strict=True):
        assert max(0.0, sum(of) - len(of) + 1) - 1e-12 <= chance <= min(of) + 1e-12


def test_pairs_that_go_together_are_told_from_those_that_do_not() -> None:
    rows, happened = together(3_000, 0.9)
    others, apart = together(3_000, 0.0, seed=2, pair="days+votes")
    joint = Joint.fit(pl.concat([rows, others]), np.concatenate([happened, apart]), np.ones(6_000))
    one = pl.DataFrame({"chances": [[0.6, 0.6]] * 3, "pairs": [["answers+votes"], ["days+votes"], ["never+seen"]]})
    close, far, new = joint.predict(one)
    assert far == pytest.approx(0.36, abs=0.05)
    assert close == pytest.approx(0.58, abs=0.05)
    assert far < new < close


def test_without_outcomes_it_lies_half_way_between_the_product_and_the_least() -> None:
    rows = pl.DataFrame({"chances": [[0.5, 0.5]], "pairs": [["a+b"]]})
    assert Joint.fit(rows.clear(), np.zeros(0), np.zeros(0)) == Joint()
    assert 0.25 < Joint().predict(rows)[0] < 0.5
