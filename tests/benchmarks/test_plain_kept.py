"""The rival of the promises is told by players, beside what was promised."""

import numpy as np
import polars as pl

from tests.benchmarks.plain_kept import RIVALS, Plain, compared


def test_a_rival_that_knows_nothing_is_behind_and_one_that_says_the_same_is_level():
    rng = np.random.default_rng(1)
    p = rng.random(4_000)
    rows = {"player_key": np.arange(4_000) % 200, "hit": rng.random(4_000) < p, "promised": p}
    lines = list(compared(pl.DataFrame({**rows, "plain": np.full(4_000, 0.5), "with record": p})))
    told = {line[:12].strip(): float(line.split("behind ")[1].split()[0]) for line in lines}
    assert set(told) == {"promised", "mean", *RIVALS}
    assert told["plain"] > 0.15
    assert told["with record"] == told["mean"] == told["promised"] == 0


def test_the_plain_rival_sees_no_record_of_the_player_and_falls_with_the_target():
    assert not {"record", "population", "past_mean"} & set(Plain.features)
    assert Plain.monotone["log_target"] == -1
