"""The input's pulse: what ordinary months look like passes, what broke is named."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from pipelines.activity.parts import know_until
from pipelines.publish.pulse import DAYS, NO_PULSE, broken_input, input_pulse
from tests.factories import event, warehouse_with
from tests.pipelines.publish.nights import APP, AS_OF, at, make_night

NIGHT = make_night()

LEVEL = 400
HISTORY = 140
NIGHTS = 60
RNG = np.random.default_rng(7)


def months(shape, level: float = LEVEL) -> np.ndarray:
    """Counts day by day, oldest first, with a weekend dip and the chance of a count."""
    days = np.arange(HISTORY)
    weekday = np.where(days % 7 >= 5, 0.5, 1.0)
    return RNG.poisson(level * weekday * np.array([shape(day) for day in days])).astype(float)


def pulse_at(series: dict[tuple[str, str], np.ndarray], day: int) -> pl.DataFrame:
    rows = [
        (kind, name, back, counts[day - back])
        for (kind, name), counts in series.items()
        for back in range(min(DAYS, day + 1))
        if counts[day - back] > 0
    ]
    return pl.DataFrame(rows, schema=NO_PULSE.schema, orient="row")


def found(series, day: int = HISTORY - 1) -> str:
    return "; ".join(broken_input(pulse_at(series, day)))


ORDINARY = {
    "steady": lambda _: 1.0,
    "growth": lambda day: 1.02**day / 3,
    "decay": lambda day: 0.97**day * 3,
    "a campaign that ends": lambda day: 2.5 if 90 <= day < 100 else 1.0,
    "a term that tapers off": lambda day: max(0.0, min(1.0, (130 - day) / 30)),
}


@pytest.mark.parametrize("shape", ORDINARY.values(), ids=ORDINARY)
@pytest.mark.parametrize("level", [3, 30, LEVEL], ids=["sparse", "small", "large"])
def test_sixty_ordinary_nights_pass(shape, level):
    series = {(kind, "x"): months(shape, level) for kind in ("play", "metric", "cohort")}
    assert [told for day in range(HISTORY - NIGHTS, HISTORY) if (told := found(series, day))] == []


@pytest.mark.parametrize("day", range(HISTORY - 7, HISTORY))
def test_half_a_days_play_missing_is_found_on_any_weekday(day):
    events = months(lambda _: 1.0, 2 * LEVEL)
    events[day] = np.floor(events[day] / 2)
    assert "events on the newest day" in found({("play", "events"): events}, day)


def test_half_of_a_sparse_feed_is_found_once_a_week_of_it_is_missing():
    events = months(lambda _: 1.0, 60)
    events[-7:] = np.floor(events[-7:] / 2)
    assert "events on the newest" in found({("play", "events"): events})


@pytest.mark.parametrize("kind", ["metric", "cohort"])
def test_a_metric_or_a_cohort_that_is_gone_is_found_and_named(kind):
    gone = months(lambda _: 0.3)
    gone[-1] = 0
    told = found({("play", "events"): months(lambda _: 1.0), (kind, "solved"): gone})
    assert f"0 events of {kind} 'solved'" in told


def test_silence_and_an_app_without_history_are_not_judged():
    silent = months(lambda _: 1.0)
    silent[-1] = 0
    assert found({("play", "events"): silent, ("metric", "solved"): silent}) == ""
    young = months(lambda day: float(day > HISTORY - 20))
    young[-1] /= 2
    assert found({("play", "events"): young}) == ""


def test_each_day_is_counted_as_it_was_known_when_its_own_night_came():
    late = event(2, 7.0, available_at=at(AS_OF, 0) - dt.timedelta(hours=12))
    with warehouse_with(APP, [event(1, 7.0), late, event(1, 8.0)]) as warehouse:
        know_until(warehouse, AS_OF, NIGHT.cut)
        rows = input_pulse(warehouse, NIGHT)
    for kind, name in (("play", "events"), ("play", "players"), ("metric", "solved")):
        assert rows.filter(kind=kind, name=name).select("back", "n").rows() == [(0, 1.0), (1, 1.0)], name
