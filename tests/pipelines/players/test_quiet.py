"""Messages carry when they may be sent: outside of quiet hours by the player's own clock."""

import datetime as dt

import pytest

from pipelines.players.quiet import send_times
from tests.factories import event, known_at, make_app, put_zone, warehouse_with

DAY = dt.date(2024, 3, 31)  # Berlin's clock is put forward at 02:00


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("begin", "end", "zone", "cut", "after", "before"),
    [
        ("22:00", "08:00", "UTC", "2024-03-31T01:00", "2024-03-31T08:00", "2024-03-31T22:00"),
        ("22:00", "08:00", "Europe/Berlin", "2024-03-31T01:00", "2024-03-31T06:00", "2024-03-31T20:00"),
        ("22:00", "02:30", "Europe/Berlin", "2024-03-31T01:00", "2024-03-31T02:00", "2024-03-31T20:00"),
        ("22:00", "08:00", "Asia/Tokyo", "2024-03-31T01:00", "2024-03-30T23:00", "2024-03-31T13:00"),
        ("22:00", "08:00", "Asia/Tokyo", "2024-03-31T14:00", "2024-03-31T23:00", "2024-04-01T13:00"),
        ("01:00", "09:00", "UTC", "2024-03-31T01:00", "2024-03-31T09:00", "2024-04-01T01:00"),
        ("06:00", "07:00", "UTC", "2024-03-31T01:00", "2024-03-31T04:00", "2024-03-31T06:00"),
    ],
)
def test_a_message_may_be_sent_in_the_players_next_stretch_without_quiet(begin, end, zone, cut, after, before) -> None:
    app = make_app(day_starts_at="04:00", quiet_hours={"begin": begin, "end": end})
    with warehouse_with(app, [event(1, 0)]) as warehouse:
        put_zone(warehouse, 1, zone)
        times = send_times(known_at(warehouse, app, DAY, at(cut)))
        assert times.rows() == [(1, at(after), at(before))]
