"""What a night may see is one object: several may be open at once, each for its own night, none with stale views."""

import datetime as dt

from tests.factories import START, add_events, event, known_at, make_app, warehouse_with

APP = make_app()
DAY = dt.timedelta(days=1)
EVENTS = "SELECT coalesce(sum(n_events), 0)::INTEGER FROM known_active_days"


def nights(warehouse, *days):
    return [known_at(warehouse, APP, START.date() + day * DAY, START + day * DAY) for day in days]


def test_two_nights_look_at_one_warehouse_each_for_itself():
    with warehouse_with(APP, [event(1, day) for day in range(6)]) as warehouse:
        early, late = nights(warehouse, 2, 5)
        seen = [(early.value(EVENTS), late.value(EVENTS)) for _ in range(3)]
    assert seen == [(2, 5)] * 3


def test_what_comes_in_later_is_seen_by_a_night_that_looks_again():
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        (known,) = nights(warehouse, 5)
        before = known.value(EVENTS)
        add_events(warehouse, APP, [event(1, 1) | {"event_id": "another"}])
        assert (before, known.value(EVENTS)) == (1, 2)


def test_what_is_asked_for_often_is_made_once_until_something_comes_in():
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        known, other = nights(warehouse, 5, 5)
        made = []

        def count():
            made.append(known.value(EVENTS))
            return made[-1]

        assert [known.once("events", count) for _ in range(4)] == [1] * 4
        assert len(made) == 2  # the first looks before the views are in place
        add_events(warehouse, APP, [event(1, 1) | {"event_id": "another"}])
        assert [known.once("events", count) for _ in range(3)] == [2] * 3
        assert other.value(EVENTS) == 2  # whose views are in place now
        assert [known.once("events", count) for _ in range(2)] == [2] * 2
        assert len(made) == 6


def test_views_made_in_what_is_taken_back_are_made_again():
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        (known,) = nights(warehouse, 5)
        with warehouse.rehearsal():
            inside = known.value(EVENTS)
        assert (inside, known.value(EVENTS)) == (1, 1)


def test_the_views_are_made_once_for_a_night_that_looks_often(monkeypatch):
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        (known,) = nights(warehouse, 5)
        known.value(EVENTS)
        said = []
        monkeypatch.setattr(warehouse, "run", lambda sql, params=None: said.append(sql))
        for _ in range(5):
            known.value(EVENTS)
    assert said == []
