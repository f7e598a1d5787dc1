"""A night as it is opened: its pins, its warehouse as known at the cut, and whether it is out already.

What a night then does is in the other files of this room, whose libraries take seconds to load: a night that is out
needs none of them.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from configs.loader import LoadedApp
from configs.version import code_version
from data.warehouse import Warehouse, open_warehouse, warehouse_path
from pipelines.activity.parts import sync_metrics
from pipelines.known import Known
from pipelines.night.late import late_context
from pipelines.night.pinned_file import PinnedFile, file_for, keep_file
from pipelines.pins import OUT, Night, accept_silence, known_night, mark_placed, next_served_day, pin_night
from pipelines.publish.outbox import is_due
from pipelines.publish.published import damaged_files, folder_name, published_nights, published_root, read_manifest
from pipelines.publish.sinks import chosen_for
from pipelines.reports import NightReport
from pipelines.stores import open_app
from pipelines.words.wishes import RunContext
from pipelines.words.writers.crew import require_writers

P = ParamSpec("P")
R = TypeVar("R")

UNRECORDED = "unrecorded"  # folder under home, with one for each app


class Tonight:
    """A night in progress. Pickled it goes to another process, where a stage opens its warehouse anew.

    Attributes:
        settings: The machine's.
        night: The pins.
        context: What its writing may use.
        today: The app file as it is now, and what this run asked for; the night may be of another.
        out: Its report, when it was published before.
        sinks: The app's destinations and what they are told.
        undelivered: Some night of the app is still to be delivered, as far as can be told before this one is made.
        unrecorded: Some night of the app is still to be recorded in MLflow, see `unrecorded.py`.
    """

    def __init__(self, known: Known, context: RunContext, today: PinnedFile) -> None:
        self.settings = context.settings
        self.night = known.night
        self.context = context
        self.today = today
        self.out = _already_out(context.settings.home, known.warehouse, known.night)
        self.sinks = chosen_for(self.night.app.app, self.settings.sinks)
        self.undelivered = bool(self.sinks) and self._is_due(known.warehouse)
        self.unrecorded = any((self.settings.home / UNRECORDED / self.night.app.app).glob("*.json"))
        self._known: Known | None = known

    def _is_due(self, warehouse: Warehouse) -> bool:
        this = (self.night.as_of, self.night.revision) if self.out else None
        return is_due(warehouse, self.settings.home, self.night.app.app, list(self.sinks), this)

    @property
    def known(self) -> Known:
        """What the night may see, on a warehouse open for writing.

        Raises:
            ValueError: It came from another process and is not `opened` in this one.
        """
        if self._known is None:
            raise ValueError(f"the night of {self.night.as_of} is not open in this process")
        return self._known

    @property
    def folder(self) -> Path:
        """Where rows lie that memory need not hold: beside the warehouse."""
        return warehouse_path(self.settings.home, self.night.app.app).parent

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """The night with its warehouse open: as it is, or where it came from another process, opened for a while.

        Raises:
            BusyError: Another process is working on the app.
        """
        if self._known is not None:
            yield self
            return
        settings = self.settings
        with open_warehouse(
            settings.home,
            self.night.app.app,
            threads=settings.threads,
            memory_gb=settings.memory_gb,
            wait_for_lock_s=settings.wait_for_lock_s,
        ) as warehouse:
            self._known = Known(warehouse, self.night)
            try:
                yield self
            finally:
                self._known = None

    def __getstate__(self) -> dict[str, object]:
        """All but the warehouse."""
        return self.__dict__ | {"_known": None}


def run_stage(work: Callable[Concatenate[Tonight, P], R], tonight: Tonight, /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Do a stage of a night: here, where the night is open, or in any process that it was sent to with its frames."""
    with tonight.opened():
        try:
            return work(tonight, *args, **kwargs)
        finally:
            tonight.known.warehouse.ease()


@contextmanager
def open_night(
    loaded: LoadedApp,
    as_of: dt.date | None,
    now: dt.datetime,
    context: RunContext,
    *,
    refresh: bool = False,
    issue: bool = False,
    was_silent: bool = False,
) -> Iterator[Tonight]:
    """Pin the night (or find its pins) and let its warehouse be read as it was known at the cut.

    Raises:
        BusyError: Another process is working on the app.
        NightquestError: There is no activity before `as_of`, or nobody can write what is wished.
    """
    settings, today = context.settings, PinnedFile.of_today(loaded, context.wishes)
    require_writers(settings, today.applied.content, context.wishes.provider)
    with open_app(settings, loaded) as warehouse:
        grace = settings.day_grace
        day = as_of or next_served_day(loaded.app, now, grace)
        if was_silent and accept_silence(warehouse, loaded.app, day, now, grace):
            refresh = True
        placed = [(out, revision) for out, revision, _ in published_nights(settings.home, loaded.app.app)]
        mark_placed(warehouse, placed, before=day)
        file = file_for(warehouse, today, known_night(warehouse, day, refresh=refresh, issue=issue))
        if file.file_hash != today.file_hash:
            sync_metrics(warehouse, file.app)
        night = pin_night(
            warehouse,
            file.applied,
            file.hash,
            day,
            now,
            code_version(),
            refresh=refresh,
            grace=grace,
            issue=issue,
            placed=placed,
            file_hash=file.file_hash,
        )
        keep_file(warehouse, file, night)
        yield Tonight(Known(warehouse, night), late_context(night, replace(context, wishes=file.wishes)), today)


def _already_out(home: Path, warehouse: Warehouse, night: Night) -> NightReport | None:
    """The report of a night that was published and lies there undamaged."""
    row = warehouse.frame(
        "SELECT status, figures FROM nights WHERE as_of = $d AND revision = $r", {"d": night.as_of, "r": night.revision}
    )
    folder = published_root(home, night.app.app) / folder_name(night.as_of, night.revision)
    if row.is_empty() or row["status"][0] not in OUT or not (folder / "manifest.json").exists():
        return None
    if damaged_files(folder, read_manifest(folder)):
        return None
    figures = json.loads(row["figures"][0])
    if "writing" in figures:
        figures["writing"]["paid_now_usd"] = 0.0  # this time
    return NightReport(night.as_of, figures, folder, unchanged=True, notes=tuple(figures.get("notes", ())))
