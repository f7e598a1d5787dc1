"""What is cheap to know before anything slow begins: a day, a span, files, writers, data that are there and free.

The commands ask this before they load what takes seconds; the flows find the same out by themselves.
"""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import PREFIX, Settings
from data.warehouse import open_warehouse, warehouse_path
from flows.clock import clock
from flows.parameters import check_day, check_span
from pipelines.publish.sinks import sink_problem
from pipelines.words.wishes import NO_WISHES, Wishes


def check_night(settings: Settings, loaded: LoadedApp, as_of: dt.date | None, wished: Wishes = NO_WISHES) -> None:
    """Refuse a night that cannot be: its day, its writers, its data.

    Raises:
        NightquestError: With what is in the way.
    """
    from pipelines.words.writers.crew import require_writers  # what ingests asks no writers

    check_day(loaded.app, as_of, clock())
    require_writers(settings, wished.applied(loaded.app).content, wished.provider)
    check_data(settings, loaded)


def check_nights(
    settings: Settings, loaded: LoadedApp, start: dt.date, end: dt.date, wished: Wishes = NO_WISHES
) -> None:
    """Refuse a span of nights that cannot be.

    Raises:
        NightquestError: With what is in the way.
    """
    check_span(loaded.app, start, end, clock())
    check_night(settings, loaded, None, wished)


def check_sinks(settings: Settings) -> None:
    """Refuse destinations that there are not, or that are told too little.

    Raises:
        NightquestError: It names them all.
    """
    problems = [problem for name in sorted(settings.sinks) if (problem := sink_problem(name, settings.sinks[name]))]
    if problems:
        text = "; ".join(problems)
        raise NightquestError(f"{PREFIX}SINKS: {text}.", "Correct it or unset it; docs/outputs.md says what it holds.")


def check_data(settings: Settings, loaded: LoadedApp) -> None:
    """Refuse an app whose data are not there, damaged, or in another process's hands.

    Raises:
        BusyError: Another process is working on it, still after `wait_for_lock_s`.
        NightquestError: There are none, they cannot be read, or home cannot be written.
    """
    check_home(settings)
    with open_warehouse(settings.home, loaded.app.app, read_only=True, wait_for_lock_s=settings.wait_for_lock_s):
        return


def check_delivery(settings: Settings, loaded: LoadedApp, files: Sequence[Path]) -> None:
    """Refuse files that are not there, or data that cannot be added to now.

    Raises:
        BusyError: Another process is working on the app, still after `wait_for_lock_s`.
        NightquestError: A path does not exist, or home cannot be written.
    """
    from pipelines.activity.read_files import find_files  # it loads what reads files

    check_home(settings)
    find_files(files)
    if warehouse_path(settings.home, loaded.app.app).exists():
        check_data(settings, loaded)


def check_pulls(settings: Settings, loaded: LoadedApp) -> None:
    """Refuse an app that names no pull, or whose data cannot be added to now.

    Raises:
        BusyError: Another process is working on the app, still after `wait_for_lock_s`.
        NightquestError: There is nothing to pull, or home cannot be written.
    """
    from pipelines.activity.pull import require_pulls

    require_pulls(loaded)
    check_delivery(settings, loaded, ())


def check_home(settings: Settings) -> None:
    """Refuse a home that can be neither written nor made.

    Raises:
        NightquestError: It cannot.
    """
    nearest = next(place for place in (settings.home, *settings.home.absolute().parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        why = "Permission denied" if nearest.is_dir() else f"{nearest} is no folder"
        raise NightquestError(f"Cannot write under {settings.home}: {why}.", "Give --home a folder you may write to.")
