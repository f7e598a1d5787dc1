"""Made-up players with calendars of every kind, and what streaks they have by a plain walk from day to day."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import configs.zones  # noqa: F401 - Python's own zones
from configs.app import App

FIRST, DAYS = dt.datetime(2024, 2, 24, tzinfo=dt.UTC), 46  # both changes to summer time and a leap day lie within
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata")
_DAY, _HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


@dataclass
class Player:
    """What happened to one player and when it was known: (moment, available, …), in order of moment.

    Of a play also from when on it is known to be taken back, if it is.
    """

    zones: list[tuple[dt.datetime, dt.datetime, str]] = field(default_factory=list)
    plays: list[tuple[dt.datetime, dt.datetime, dt.datetime | None]] = field(default_factory=list)
    said: list[tuple[dt.datetime, dt.datetime, str, int | None]] = field(default_factory=list)


def make_player(chance: random.Random, waits: tuple[dt.timedelta, ...]) -> Player:
    """A player who plays on most days at any hour, and may travel, pause, and be offline for long."""
    made, end = Player(), FIRST + DAYS * _DAY

    def known(moment: dt.datetime) -> dt.datetime:
        return moment + chance.choice(waits)

    if chance.random() < 0.9:
        made.zones.append((FIRST - _DAY, FIRST - _DAY, chance.choice(ZONES)))
    if chance.random() < 0.3:
        moves = [FIRST + chance.randrange(24 * DAYS) * _HOUR]
        moves += [moves[0] + chance.randrange(1, 24) * _HOUR] if chance.random() < 0.5 else []
        moves += [FIRST + chance.randrange(24 * DAYS) * _HOUR] if chance.random() < 0.5 else []
        made.zones += [(at, known(at), chance.choice(ZONES)) for at in sorted(set(moves))]
    keen, hour = chance.choice((0.5, 0.8, 0.9, 0.97)), chance.randrange(24)
    at = FIRST + hour * _HOUR
    while at < end:
        if chance.random() < keen:
            moment = at + chance.randrange(-180, 180) * dt.timedelta(minutes=1)
            made.plays.append((moment, known(moment), known(moment + _DAY) if chance.random() < 0.04 else None))
        at += _DAY
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        begins = FIRST + chance.randrange(24 * DAYS) * _HOUR
        made.said.append((begins, known(begins), "paused", chance.choice((None, 1, 3, 10))))
        if chance.random() < 0.6:
            back = begins + chance.randrange(24 * 12) * _HOUR
            made.said.append((back, known(back), "resumed", None))
    made.plays.sort(key=lambda row: row[0])
    made.said.sort(key=lambda row: row[0])
    return made


def streaks(
    player: Player, app: App, as_of: dt.date, base_day: dt.date, cut: dt.datetime
) -> tuple[dict[dt.date, int], int]:
    """By days before `as_of` and what was known at `cut`: the streak on each day with play, and what goes on of it.

    From `base_day` on no day is missed yet.
    """
    zones = [(at, zone) for at, known, zone in player.zones if known <= cut]

    def day_of(moment: dt.datetime) -> dt.date:
        held = [zone for at, zone in zones if at <= moment] or [zone for _, zone in zones[:1]] or [app.timezone]
        return (moment.astimezone(ZoneInfo(held[-1])).replace(tzinfo=None) - app.day_shift).date()

    stand = [at for at, known, gone in player.plays if known <= cut and not (gone and gone <= cut)]
    played = {day for at in stand if (day := day_of(at)) < as_of}
    paused = _paused([(day_of(at), what, n) for at, known, what, n in player.said if known <= cut], as_of)
    short = _short_days([at for at, _ in zones[1:]], day_of, app.streaks.short_day_hours)
    return _walk(app, played, paused | short, as_of, base_day)


def _walk(
    app: App, played: set[dt.date], forgiven: set[dt.date], as_of: dt.date, base_day: dt.date
) -> tuple[dict[dt.date, int], int]:
    values, run, spent = dict[dt.date, int](), 0, list[dt.date]()
    rules = app.streaks
    day = min(played, default=as_of)
    while day < as_of:
        if day in played:
            run += 1
            values[day] = run
        elif (
            run
            and day < base_day
            and not (f"{day:%A}".lower() in rules.rest_days or _on_calendar(app, day) or day in forgiven)
        ):
            spent = [then for then in spent if (day - then).days < rules.freeze_renews_days]
            if len(spent) < rules.freezes:
                spent.append(day)
            else:
                run = 0
        day += _DAY
    return values, run


def _paused(said: list[tuple[dt.date, str, int | None]], as_of: dt.date) -> set[dt.date]:
    days = set[dt.date]()
    for place, (first, what, n) in enumerate(said):
        if what == "paused":
            until = min([first + (n or 10_000) * _DAY, *(day for day, then, _ in said[place:] if then == "resumed")])
            days |= {first + i * _DAY for i in range((min(until, as_of) - first).days)}
    return days


def _short_days(moves: list[dt.datetime], day_of: Callable[[dt.datetime], dt.date], hours: int) -> set[dt.date]:
    """Days that the player's clock showed for too short a while, looked at every half hour around each move."""
    around = sorted({at + i * _HOUR / 2 for at in moves if hours for i in range(-200, 200)})
    shown = Counter(day_of(moment) for moment in around)
    near = {day_of(at) + i * _DAY for at in moves for i in range(-1, 2)}
    return {day for day in near if shown[day] < 2 * hours}


def _on_calendar(app: App, day: dt.date) -> bool:
    entries = [entry for entry in app.calendar if entry.kind in app.streaks.rest_on]
    return any(first <= day <= last for entry in entries for first, last in entry.spans(day, day))
