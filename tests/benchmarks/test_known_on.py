import datetime as dt

import polars as pl
import pytest

from tests.benchmarks.known_on import known_on
from tests.benchmarks.scoring import repeated
from tests.factories import event, make_app, warehouse_with


@pytest.mark.parametrize(
    ("as_of", "why"),
    [
        (dt.date(2023, 12, 30), "There is no activity of 'puzzles' before 2023-12-30"),
        (dt.date(2024, 6, 1), "Nobody played 'puzzles' in the 28 days before"),
    ],
)
def test_a_day_that_no_night_can_serve_ends_a_measurement_in_a_sentence(as_of, why):
    app = make_app()
    with warehouse_with(app, [event(1, day) for day in range(3)]) as warehouse, pytest.raises(SystemExit) as ended:
        known_on(warehouse, app, as_of)
    assert str(ended.value).startswith(why.replace("puzzles", app.app))
    assert "--as-of" in str(ended.value)


def test_a_day_on_which_nobody_played_is_measured_as_any_other():
    app = make_app()
    with warehouse_with(app, [event(1, day) for day in range(3)]) as warehouse:
        assert known_on(warehouse, app, dt.date(2024, 1, 8)).base_day == dt.date(2024, 1, 8)


def test_nobody_repeated_is_nobody():
    nobody = pl.DataFrame(schema={"player_key": pl.Int64})
    assert repeated(nobody, 200_000).height == 0
