"""What an ordinary calendar does to play stops no night; what a broken delivery does to it is found and named."""

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pytest

from pipelines.known import Known
from pipelines.publish.input_checks import few_players, find_breaks, judge_input
from pipelines.publish.input_counts import DAYS, InputCounts
from pipelines.publish.published import Manifest, Published
from tests.factories import event, warehouse_with
from tests.pipelines.publish.night_rows import APP, AS_OF
from tests.pipelines.publish.nights import make_night
from tests.pipelines.publish.plays import HISTORY, Play, always

NIGHTS = 60
LAST = HISTORY - 1
LARGE, SMALL = 300, 12


def found(counts: InputCounts, ends=(), base_day: dt.date = AS_OF) -> dict[str, str]:
    return find_breaks(counts, ends, base_day)


def over(day: int):
    """A cohort whose term ends overnight, with a few who still look in."""
    return lambda today: 1.0 if today < day else 0.05


def thrice_a_year(today: int) -> float:
    """Holidays: a week of ever fewer, hardly anybody on its last days, then back."""
    return {100: 0.6, 101: 0.5, 102: 0.35, 103: 0.2, 104: 0.1, 105: 0.2, 106: 0.6}.get(today, 1.0)


ORDINARY = {
    "steady": {},
    "growth": {"shapes": {"one": lambda day: 1.02**day / 3, "two": always}},
    "decay": {"shapes": dict.fromkeys(("one", "two"), lambda day: 0.97**day * 3)},
    "a campaign that ends": {"shapes": dict.fromkeys(("one", "two"), lambda day: 2.5 if 90 <= day < 100 else 1.0)},
    "a term that tapers off": {"shapes": {"one": lambda day: max(0.05, min(1.0, (130 - day) / 30)), "two": always}},
    "a term that ends overnight": {"shapes": {"one": over(110), "two": always}},
    "all terms end overnight": {"shapes": {"one": over(110), "two": over(110)}},
    "one term after the other": {"shapes": {"one": over(110), "two": lambda day: 0.0 if day < 110 else 1.5}},
    "holidays": {"shapes": dict.fromkeys(("one", "two"), thrice_a_year)},
    "closed at the weekend": {"shapes": dict.fromkeys(("one", "two"), lambda day: float(day % 7 < 5))},
    "a season of a month": {"seasons": {"quiz": lambda day: float(85 <= day < 115)}},
    "deadlines once a week": {"seasons": {"quiz": lambda day: float(day % 7 == 3)}},
    "deadlines now and then": {"seasons": {"quiz": lambda day: float(day % 19 < 4)}},
    "what everybody does ever less": {"seasons": {"quiz": lambda day: 0.95**day}},
}


@pytest.mark.parametrize("level", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("app", ORDINARY.values(), ids=ORDINARY)
def test_sixty_ordinary_nights_pass(app, level):
    play = Play(level, **app)
    assert {day: told for day in range(HISTORY - NIGHTS, HISTORY) if (told := found(play.counts(day)))} == {}


@pytest.mark.parametrize("day", range(HISTORY - 7, HISTORY))
def test_half_of_a_days_events_missing_is_found_on_any_weekday(day):
    assert "on the newest day" in found(Play(LARGE).lose(day).counts(day))["events"]


def test_half_of_the_events_is_missed_in_one_cohort_while_the_term_of_the_other_is_over():
    told = found(Play(LARGE, shapes={"one": over(60), "two": always}).lose(LAST).counts(LAST))
    assert set(told) == {"events"}


def test_half_of_a_small_feed_is_found_once_a_week_of_it_is_missing():
    play = Play(25)
    for day in range(HISTORY - 7, HISTORY):
        play.lose(day)
    assert "on the newest week" in found(play.counts(LAST))["events"]


def test_fewer_players_who_play_as_ever_are_told_and_stop_nothing():
    play = Play(LARGE, shapes=dict.fromkeys(("one", "two"), thrice_a_year))
    told = few_players(play.counts(104))
    assert re.match(r"\d+ played on the newest day, \d+ or more", told)
    assert found(play.counts(104)) == {}
    assert few_players(play.counts(LAST)) == ""


@pytest.mark.parametrize("metric", ["write", "quiz"])
@pytest.mark.parametrize("level", [40, LARGE])
def test_a_metric_dead_from_one_day_to_the_next_is_found_and_named_while_the_others_live(metric, level):
    told = found(Play(level).lose(LAST, 1.0, metric).counts(LAST))
    assert list(told) == [f"metric {metric}"]
    assert f"0 players with '{metric}' on the newest day" in told[f"metric {metric}"]


def test_a_metric_of_few_players_is_missed_once_a_week_is_without_it():
    play = Play(6, seasons={"quiz": lambda day: float(day < HISTORY - 7)})
    assert "on the newest week" in found(play.counts(LAST))["metric quiz"]


def test_a_metric_may_end_when_the_calendar_says_so():
    play, base_day = Play(LARGE).lose(LAST, 1.0, "quiz"), dt.date(2024, 3, 10)
    ends = {dt.date(2024, 3, 8)}
    assert "metric quiz" in found(play.counts(LAST), base_day=base_day)
    assert found(play.counts(LAST), ends, base_day) == {}
    assert "metric quiz" in found(play.counts(LAST), ends, base_day + dt.timedelta(days=7))


def with_sent(counts: InputCounts, copies: int, before: int = 0) -> InputCounts:
    rows = counts.of("play", "events").sum(axis=0, keepdims=True)
    repeated = np.full_like(rows, before)
    repeated[0, 0] = copies
    return InputCounts(counts.cohorts, {**counts.counts, ("sent", "rows"): rows, ("sent", "copies"): repeated})


def test_a_source_that_delivers_twice_is_found_and_legitimate_repeats_are_not():
    counts = Play(LARGE).counts(LAST)
    half = int(counts.of("play", "events")[:, 0].sum() / 2)
    assert f"{half:,} of the" in found(with_sent(counts, half))["copies"]
    assert found(with_sent(counts, half, before=half)) == {}
    assert found(with_sent(counts, 3)) == {}


def test_players_without_the_properties_that_make_cohorts_are_found():
    counts = Play(LARGE, shapes={"-/one": lambda day: float(day == LAST), "two/one": over(LAST)}).counts(LAST)
    assert "without the properties that make cohorts" in found(counts)["cohorts"]


def test_silence_and_an_app_without_history_are_not_judged():
    silent = dict.fromkeys(("one", "two"), lambda day: float(day < LAST))
    assert found(Play(LARGE, shapes=silent).counts(LAST)) == {}
    young = dict.fromkeys(("one", "two"), lambda day: float(day > HISTORY - 20))
    assert found(Play(LARGE, shapes=young).lose(LAST).counts(LAST)) == {}
    assert found(InputCounts([], {})) == {}


def test_what_the_night_before_found_is_not_found_again(tmp_path):
    """A person took it, or that night would not be out."""
    rows = [
        event(player, day, **({"topic": "x"} if day < 38 else {}), points=1)
        for day in range(40)
        for player in range(60)
    ]
    day = dt.timedelta(days=1)
    night = make_night(dt.date(2024, 1, 1) + 40 * day)
    with warehouse_with(APP, rows) as warehouse:
        second = judge_input(Known(warehouse, night), None)
        assert second.broken[0].startswith("0 players with 'topics'")
        assert judge_input(Known(warehouse, night), _out(night, day, tmp_path)).broken == ()
        assert judge_input(Known(warehouse, night), _out(night, 2 * day, tmp_path)).broken == second.broken


def _out(night, ago: dt.timedelta, folder) -> Published:
    then = replace(night, as_of=night.as_of - ago, base_day=night.base_day - ago, cut=night.cut - ago)
    pins = ("as_of", "revision", "cut", "base_day", "watermark", "seed", "code_version", "app_hash")
    manifest = {name: getattr(then, name) for name in pins}
    return Published(folder, Manifest(schema_version=1, app="toy", generated_at=then.cut, tables={}, **manifest))


def test_pulses_are_as_long_as_what_they_are_judged_by():
    assert DAYS >= 7 * 9
