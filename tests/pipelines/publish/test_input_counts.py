"""The input's counts: every day counted as it was known when its own night came."""

import datetime as dt

from pipelines.known import Known
from pipelines.publish import input_counts as reading
from pipelines.publish.input_counts import read_input_counts
from tests.factories import event, warehouse_with
from tests.pipelines.publish.night_rows import APP, AS_OF, at
from tests.pipelines.publish.nights import make_night

NIGHT = make_night()


def counts_of_events(*rows):
    with warehouse_with(APP, list(rows)) as warehouse:
        return read_input_counts(Known(warehouse, NIGHT), NIGHT.base_day, NIGHT.cut)


def test_each_day_is_counted_as_it_was_known_when_its_own_night_came():
    late = event(2, 7.0, available_at=at(AS_OF, 0) - dt.timedelta(hours=12))
    counts = counts_of_events(event(1, 7.0), late, event(1, 8.0))
    for kind, name in (("play", "events"), ("play", "players"), ("had", "solved"), ("done", "solved")):
        assert counts.of(kind, name)[counts.cohorts.index("all"), :3].tolist() == [1, 1, 0], (kind, name)


def test_metrics_that_later_events_change_are_not_counted():
    names = counts_of_events(event(1, 8.0)).names("had")
    assert "solved" in names
    assert "streak" not in names


def test_a_copy_is_counted_on_the_day_it_came_in_with():
    counts = counts_of_events(
        event(1, 5.0) | {"content_hash": 1},
        event(1, 5.0, available_at=at(AS_OF, 0) - dt.timedelta(hours=2)) | {"content_hash": 1},
        event(2, 5.0) | {"content_hash": 1},
        event(1, 8.0) | {"content_hash": 2},
    )
    assert counts.of("sent", "copies").sum(axis=0)[:5].tolist() == [1, 0, 0, 0, 0]
    assert counts.of("sent", "rows").sum(axis=0)[:5].tolist() == [2, 0, 0, 2, 0]


def test_players_who_are_counted_after_others_add_up(monkeypatch):
    rows = [event(player, float(day)) | {"content_hash": day} for player in (1, 2, 4) for day in (5, 5, 7)]
    whole = counts_of_events(*rows)
    monkeypatch.setattr(reading, "AT_ONCE", 1)
    pieces = counts_of_events(*rows)
    assert pieces.cohorts == whole.cohorts
    assert {each: counts.tolist() for each, counts in pieces.counts.items()} == {
        each: counts.tolist() for each, counts in whole.counts.items()
    }
    assert whole.of("sent", "copies").sum() == 3
