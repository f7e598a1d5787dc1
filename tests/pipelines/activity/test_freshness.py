"""How fresh the input is, by the app's own rhythm, and what silence leaves open."""

import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from pipelines.challenges.achievements import settle_achievements
from pipelines.challenges.settle import settle_challenges
from pipelines.known import Known
from pipelines.learning.samples import draw_samples
from pipelines.pins import accept_silence, day_start, make_night, pin_night
from tests.factories import event, make_app, warehouse_with
from tests.pipelines.publish.night_rows import achievement, challenge

APP = make_app()
FIRST = dt.date(2024, 1, 1)
NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
CROWD = 99


def day(number):
    return FIRST + dt.timedelta(days=number)


def at(number, hour=0.0):
    return dt.datetime.combine(day(number), dt.time(), dt.UTC) + dt.timedelta(hours=hour)


def solve(player, moment, **more):
    return event(player, moment, points=1, topic="a", **more)


def busy(days, *, missing=lambda _: False, available_at=lambda moment: moment, per_hour=3):
    """An app in which several players act in every hour."""
    moments = [at(number, hour) for number in range(days) for hour in range(24)]
    return [
        solve(CROWD + nth, moment, available_at=available_at(moment))
        for moment in moments
        for nth in range(per_hour)
        if not missing(moment)
    ]


def night_over(rows, number, app=APP):
    return nights_over(rows, [number], app)[0]


def nights_over(rows, numbers, app=APP):
    with warehouse_with(app, rows) as warehouse:
        return [make_night(warehouse, app, day(number), NOW) for number in numbers]


def test_input_that_ends_at_noon_two_days_ago_is_stale_and_its_days_are_unknown():
    night = night_over(busy(40, missing=lambda moment: moment >= at(37, 12)), 40)
    assert night.stale
    assert [(each.first_day, each.last_day) for each in night.silences] == [(day(37), day(39))]
    assert night.silent_from == day(37)


def test_features_of_a_stale_night_end_with_the_last_day_that_was_not_silent_from_its_beginning():
    night = night_over(busy(40, missing=lambda moment: moment >= at(38)), 40)
    assert (night.base_day, night.lead_days) == (day(38), 2)


def test_half_a_missing_day_is_unknown_where_the_app_is_never_quiet_so_long():
    night = night_over(busy(40, missing=lambda moment: moment >= at(39, 12)), 40)
    assert night.stale
    assert [each.first_day for each in night.silences] == [day(39)]


def test_input_that_is_whole_is_fresh():
    night = night_over(busy(40), 40)
    assert (night.silences, night.stale, night.base_day) == ((), False, day(40))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_players_who_all_come_at_one_hour_are_not_silent_when_clocks_change(zone):
    rows = [solve(CROWD + nth, at(number, 18)) for number in range(120) for nth in range(30)]
    night = night_over(rows, 119, make_app(timezone=zone))
    assert (night.silences, night.stale) == ((), False)


@pytest.mark.parametrize("hour", [3, 14, 23])
def test_a_class_that_moves_to_another_hour_is_not_silent_and_a_day_on_which_it_is_missing_is(hour):
    def met(number):
        return 9 if number < 60 else hour

    rows = [solve(CROWD + nth, at(number, met(number))) for number in range(90) for nth in range(30)]
    night = night_over([row for row in rows if row["occurred_at"].date() != day(80)], 90)
    assert [(each.first_day, each.last_day) for each in night.silences] == [(day(80), day(80))]


@pytest.mark.parametrize("seed", range(4))
def test_a_shop_with_two_events_a_week_never_alarms(seed):
    luck, hours, rows = random.Random(seed), 0.0, []  # noqa: S311  # nothing secret
    while hours < 24 * 160:
        rows.append(solve(luck.randrange(8), at(0, hours)))
        hours += luck.expovariate(2 / (7 * 24))
    assert [night.silences for night in nights_over(rows, range(95, 155, 4)) if night.silences] == []


def test_nights_and_weekends_without_anybody_are_no_silence_and_a_missing_weekday_is():
    rows = [
        solve(nth, at(number, hour))
        for number in range(90)
        if number % 7 < 5
        for hour in range(9, 18)
        for nth in range(4)
    ]
    assert not any(night.silences for night in nights_over(rows, range(77, 84)))
    ends_on_wednesday = [row for row in rows if row["occurred_at"] < at(79, 18)]
    night = night_over(ends_on_wednesday, 81)
    assert night.stale
    assert [(each.first_day, each.last_day) for each in night.silences] == [(day(80), day(80))]


def test_a_young_app_is_given_the_benefit_of_the_doubt():
    assert night_over(busy(6, missing=lambda moment: moment >= at(4)), 6).silences == ()


def test_a_feed_that_comes_once_a_week_is_not_stale_but_its_missing_days_are_unknown():
    def arrival(moment):
        return at(((moment - at(0)).days // 7 + 1) * 7, 2)

    night = night_over(busy(70, available_at=arrival), 67)
    assert not night.stale
    assert night.silences[-1].last_day == day(66)
    assert night.base_day <= day(63)


def test_days_lost_in_between_stay_unknown_when_the_feed_is_back():
    night = night_over(busy(40, missing=lambda moment: at(35) <= moment < at(36)), 40)
    assert [(each.first_day, each.last_day) for each in night.silences] == [(day(35), day(35))]
    assert (night.stale, night.base_day) == (False, day(40))


def test_silence_that_a_person_vouches_for_is_silence_from_then_on():
    rows = busy(42, missing=lambda moment: at(38) <= moment < at(40))
    with warehouse_with(APP, rows) as warehouse:
        assert make_night(warehouse, APP, day(40), NOW).stale
        assert accept_silence(warehouse, APP, day(40), NOW)
        assert make_night(warehouse, APP, day(40), NOW).silences == ()
        assert make_night(warehouse, APP, day(42), NOW).silences == ()
        assert make_night(warehouse, APP, day(40), NOW - dt.timedelta(seconds=1)).stale
        assert not accept_silence(warehouse, APP, day(40), NOW)


def test_a_night_for_which_nobody_plays_any_more_is_refused_with_the_last_day_of_play():
    with pytest.raises(NightquestError, match=f"the last known play is of {day(39)}") as told:
        night_over(busy(40), 400)
    assert "--as-of" in told.value.remedy


def test_pins_remember_the_silence():
    rows = busy(40, missing=lambda moment: moment >= at(38))
    with warehouse_with(APP, rows) as warehouse:
        first = pin_night(warehouse, APP, "h", day(40), NOW, "v")
        assert pin_night(warehouse, APP, "h", day(40), NOW, "v") == first
    assert first.stale


def test_no_label_and_no_snapshot_rests_on_an_unknown_day():
    rows = busy(40, missing=lambda moment: at(33) <= moment < at(34), per_hour=1)
    with warehouse_with(APP, rows) as warehouse:
        night = make_night(warehouse, APP, day(40), NOW)
        samples = draw_samples(Known(warehouse, night), [day(number) for number in range(30, 39)], most=1000, seed=1)
    start = pl.col("base_day") + pl.duration(days="lead_days")
    spans = samples.labels.select(start.alias("a"), (start + pl.duration(days=pl.col("window_days") - 1)).alias("b"))
    assert spans.height > 0
    assert spans.filter((pl.col("a") <= day(33)) & (pl.col("b") >= day(33))).is_empty()
    assert day(34) not in samples.features["base_day"].to_list()


ISSUED = 16
TARGETS = [(1, 1), (2, 2), (4, 3), (2, 5), (9, 4)]  # target, days


def issued(players):
    """Challenges of these players, issued by the night of day 16."""
    return [
        challenge(
            player,
            slot,
            day(ISSUED),
            target=float(target),
            window_days=days,
            valid_until=day(ISSUED + days - 1),
        )
        for player in players
        for slot, (target, days) in enumerate(TARGETS)
    ]


def lived(rows, nights, players=(1,), app=APP):
    """The final settlements and what was reached, when these nights ran one after another."""
    with warehouse_with(app, rows) as warehouse:
        warehouse.append("challenges", pl.DataFrame(issued(players)))
        reach = [{**achievement(player, day(ISSUED)), "metric": "solved", "target": 6.0} for player in players]
        warehouse.append("achievements", pl.DataFrame(reach))
        for number in nights:
            night = pin_night(warehouse, app, "h", day(number), day_start(app, day(number)), "v")
            settle_achievements(Known(warehouse, night))
            settle_challenges(Known(warehouse, night))
            warehouse.run("UPDATE nights SET status = 'published' WHERE as_of = $d", {"d": night.as_of})
        states = warehouse.frame(
            """SELECT content_id, state, completed_at, event_id, progress, played, xp FROM settlements
               QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1 ORDER BY content_id"""
        )
        paid = warehouse.frame("SELECT player_key, reason, sum(xp) FROM xp_ledger GROUP BY ALL ORDER BY ALL")
        expired = warehouse.value("SELECT count(*) FROM settlements WHERE state = 'expired' AND revision = 1")
    return states.rows(), paid.rows(), expired


PLAYERS = range(1, 9)


@settings(max_examples=2)
@given(
    plays=st.lists(
        st.lists(st.tuples(st.integers(13, 22), st.integers(0, 23)), max_size=14),
        min_size=len(PLAYERS),
        max_size=len(PLAYERS),
    ),
    lost=st.integers(16, 19),
    length=st.integers(1, 3),
    delay=st.integers(1, 6),
    off=st.integers(0, 5),
)
def test_events_that_come_late_settle_everything_as_if_they_had_come_in_time(plays, lost, length, delay, off):
    until = at(lost + length)
    mine = [
        solve(player, at(number, hour), sequence=nth)
        for player, play in zip(PLAYERS, plays, strict=True)
        for nth, (number, hour) in enumerate(play)
    ]
    timely = [*(solve(player, at(0)) for player in PLAYERS), *busy(29, per_hour=1), *mine]

    def arrive(row):
        is_lost = at(lost) <= row["occurred_at"] < until
        return {**row, "available_at": until + dt.timedelta(days=delay, hours=-1)} if is_lost else row

    # The machine is off for some nights, and what came in meanwhile is met by the next.
    nights = [number for number in range(ISSUED, 29) if not 28 - off <= number < 28]
    in_time, late = (lived(rows, nights, PLAYERS) for rows in (timely, [arrive(row) for row in timely]))
    assert late == in_time
    assert len(in_time[0]) == len(PLAYERS) * len(TARGETS)


def test_a_window_over_a_silent_day_stays_open_and_what_known_events_completed_is_completed():
    lost = [
        solve(1, at(0)),
        *busy(24, missing=lambda moment: moment >= at(17)),
        solve(1, at(16, 3)),
        solve(1, at(16, 4)),
    ]
    states, _, expired = lived(lost, range(ISSUED, 21))
    assert expired == 0
    assert {(state, completed) for _, state, completed, *_ in states} == {
        ("completed", at(16, 3)),
        ("completed", at(16, 4)),
    }
