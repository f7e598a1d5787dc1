"""Nights that a schedule missed, since the machine was off or a run failed: the next scheduled one makes them first.

They are made in order of date and before any later night, so they count like any other. Their words are written
offline, since players read them late.
"""

import datetime as dt
from collections.abc import Callable

from configs.app import App
from configs.commands import command
from configs.errors import BusyError
from configs.settings import PREFIX, Settings
from flows.parameters import MAX_NIGHTS
from flows.running import Run
from pipelines.pins import day_start, local_day, missed_days
from pipelines.publish.published import published_nights
from pipelines.reports import NightReport
from pipelines.stores import open_app


def is_overdue(settings: Settings, app: App, now: dt.datetime, after: dt.timedelta) -> bool:
    """Whether a scheduled night is late, and the settings allow that it is made up for.

    Args:
        settings: Its home, and `catch_up_nights`: with 0 nothing is made up for.
        app: An app that never had a night is not late: it waits for its first scheduled one.
        now: The moment looked at.
        after: How long after its day begins a night is scheduled.
    """
    newest = published_nights(settings.home, app.app)
    if not newest or settings.catch_up_nights == 0:
        return False
    today = local_day(app, now)
    due = today if now >= day_start(app, today) + after else today - dt.timedelta(days=1)
    return newest[-1][0] < due


def catch_up(run: Run, as_of: dt.date, make: Callable[[dt.date], NightReport]) -> tuple[str, ...]:
    """Make the missed nights before `as_of`, oldest first; of more than the setting allows, the newest.

    Args:
        run: Its settings say how many at most; the others are skipped.
        as_of: The day that is served next.
        make: Makes the night of a day.

    Returns:
        A note for each night that was made or could not be, and one for those skipped.

    Raises:
        BusyError: Another process is working on the app.
    """
    with open_app(run.settings, run.loaded) as warehouse:
        days = missed_days(warehouse, as_of)
    most = run.settings.catch_up_nights
    made = days[max(len(days) - most, 0) :]
    notes = [_made(day, make) for day in made]
    return (*_skipped(run.loaded.app.app, days[: len(days) - len(made)], most), *notes)


def _made(day: dt.date, make: Callable[[dt.date], NightReport]) -> str:
    """One night that fails must not cost the players those after it."""
    try:
        report = make(day)
    except BusyError:
        raise
    except Exception as error:  # noqa: BLE001
        return f"The night of {day} was missed and could not be made: {error}"
    return f"The night of {day} was missed and made now{', on stale input' if report.stale else ''}."


def _skipped(app: str, days: list[dt.date], most: int) -> tuple[str, ...]:
    if not days:
        return ()
    first, last = days[0], days[-1]
    told = f"night of {first} was" if first == last else f"nights of {first} to {last} were"
    since = max(first, last - dt.timedelta(days=MAX_NIGHTS - 1))
    look = command("backfill", "--from", since, "--to", last, app=app)
    return (f"The {told} missed and skipped ({PREFIX}CATCH_UP_NIGHTS is {most}). To look at what is missing: {look}",)
