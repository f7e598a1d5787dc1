"""What numbers of play say, whatever the day on which they are looked at."""

import numpy as np
import polars as pl

from models.habits import NEAR_DAYS, nearness
from models.statistics.standard import Standard


def test_a_date_months_away_says_nothing_however_near_it_comes_by_and_by():
    days = pl.DataFrame({"days": [0, 7, NEAR_DAYS, NEAR_DAYS + 1, 175, 120, None]})
    near = days.select(nearness("days")).to_series()
    assert near.to_list() == [1.0, np.exp(-1.0), np.exp(-4.0), 0.0, 0.0, 0.0, 0.0]
    of_winter = Standard.of(near[4:5].to_numpy()[:, None])
    assert of_winter.apply(near[5:6].to_numpy()[:, None]).tolist() == [[0.0]], "spring is no farther from the mean"
