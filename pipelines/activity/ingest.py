"""Take deliveries in: events or players, in the contract's own columns or through a source."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from configs.app import App
from configs.errors import NightquestError
from configs.nouns import counted
from data.contracts_in import accepted_events
from data.warehouse import Warehouse
from pipelines.activity.append import Appended, append_events, append_players
from pipelines.activity.deliveries import (
    Delivery,
    Reason,
    delivery_number,
    frequent_reasons,
    quarantine_files,
    quarantine_rows,
    record_deliveries,
)
from pipelines.activity.delivery_reader import (
    IngestRun,
    announce,
    as_written,
    prepare,
    read_direct,
    read_raw,
    select_rows,
    show_raw_rows,
)
from pipelines.activity.drift import note_drift
from pipelines.activity.erased import let_go
from pipelines.activity.missing_columns import refuse_lacking
from pipelines.activity.parts import refresh_parts, sync_metrics
from pipelines.activity.quarantine import retire_rows, retire_settled
from pipelines.activity.raw_tables import check_delivered
from pipelines.activity.read_files import LIMITS, find_files, is_hidden
from pipelines.activity.read_text import Limits
from pipelines.activity.retract import retraction_fates
from pipelines.activity.source import Source, read_source
from pipelines.activity.take_calendar import read_calendar, take_calendar
from pipelines.activity.unused import find_unused

Progress = Callable[[str, int, int], None]

# Of an event's words in the app file, what says nothing of which rows are taken.
UNREAD: Final[Mapping[str, Any]] = {"title": True, "value": {"chosen"}, "properties": {"__all__": {"chosen"}}}


@dataclass(frozen=True)
class IngestResult:
    """What became of a delivery.

    Attributes:
        deliveries: One entry per file, in the order read.
        taken: Events (or player records) appended.
        known: Rows already here.
        refused: Rows put into quarantine.
        by_event: Events appended, by kind.
        touched: Player-days whose parts were computed again.
        reasons: Why rows were refused, the most frequent first.
        unused: Events taken, or their values, that change nothing: how many, by what they are and why.
        retracted: Events that stand no longer since this delivery.
        waiting: Retractions in it that wait for their event.
        calendar: Entries of the calendar that were delivered and stand.
        held_back: Rows left out because their person was erased.
        drift: How the files differ from those before, a sentence each.
    """

    deliveries: tuple[Delivery, ...]
    taken: int = 0
    known: int = 0
    refused: int = 0
    by_event: Mapping[str, int] = field(default_factory=dict)
    touched: int = 0
    reasons: tuple[Reason, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    retracted: int = 0
    waiting: int = 0
    calendar: int = 0
    held_back: int = 0
    drift: tuple[str, ...] = ()

    @property
    def refused_files(self) -> tuple[Delivery, ...]:
        """The files that could not be read at all, each with its reason."""
        return tuple(d for d in self.deliveries if d.state == "refused")


def ingest_files(
    warehouse: Warehouse,
    app: App,
    paths: Sequence[Path],
    *,
    now: dt.datetime,
    history: bool,
    source_sql: str | None = None,
    calendar_sql: str | None = None,
    other_sql: str | None = None,
    players: bool = False,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
    within: Callable[[Sequence[Delivery]], None] = lambda _: None,
    ours: bool = False,
) -> IngestResult:
    """Take files and folders in.

    A bad row goes to quarantine and costs nothing else; a bad file is refused and the others go in; everything that
    goes in does so in one transaction. A file is taken once for each version of the source and of the app's events, so
    a mended source or app file may take it again.

    Args:
        warehouse: Open for writing.
        app: Whose events they are.
        paths: Files, or folders walked in order of name.
        now: When this delivery arrived (UTC).
        history: Past data: available from the moment it happened, instead of from `now`.
        source_sql: A SELECT over raw tables; without it the files have the contract's own columns. With it, files named
            events… (or players…) that feed no raw table still have them.
        calendar_sql: The SELECT over raw tables that yields the calendar; see `read_calendar`.
        other_sql: The app's other source: that of players when events are taken in, and the reverse. A file that
            only it reads is passed over with a note that says to take it with, or without, `--players`.
        players: The files hold player records, not events.
        progress: Called with (what is being done, bytes done, bytes in all).
        limits: What a file may ask of the machine.
        within: Called at the end of the transaction that takes them, with what became of each file.
        ours: The program wrote the files itself: their columns are not compared with those that the app delivers.

    Raises:
        NightquestError: A path does not exist; the source is wrong, fails, or misses a raw table; or no file at all
            could be read (what quarantine says about each stays).
    """
    files, others = find_files(paths)
    meter = _Meter(progress, sum(path.stat().st_size for path in files))
    source = None if source_sql is None else read_source(source_sql)
    calendar = None if players else read_calendar(calendar_sql)
    ingest = IngestRun(
        warehouse=warehouse,
        app=app,
        now=now,
        players=players,
        source=source,
        version=_version(app, source),
        limits=limits,
        on_bytes=meter.add,
        calendar=calendar,
        ours=ours,
        others=read_source(other_sql).tables if other_sql else (),
    )
    prepare(ingest)
    ignored = [Delivery(str(path), "ignored", reason=_why_not(path)) for path in others]
    found = _announce_all(ingest, files)
    # Rows with the contract's columns are read before the transaction: an error in one file must not cost the others.
    found = [read_direct(ingest, Path(d.file), d) if _is_new(d, ingest.direct) else d for d in found]
    with warehouse.transaction():
        found = [read_raw(ingest, Path(d.file), d) if _is_new(d, *ingest.raw_tables) else d for d in found]
        if source is not None:
            ingest, found = refuse_lacking(ingest, source, found)
            source = ingest.source
        for delivery in found:
            if delivery.state != "refused":
                retire_rows(warehouse, delivery.mends)
        if source is not None and (new := [d for d in found if _is_new(d, *source.tables)]):
            check_delivered(warehouse, source, [f"{d.file}: {d.reason}" for d in found if d.state == "refused"])
            meter.say("Reading the source")
            select_rows(ingest, source, new[-1].delivery_id)
        meter.say("Adding up player-days")
        result = _finish(ingest, [*found, *ignored], history=history)
        within(result.deliveries)
    _insist_on_some(result)
    return result


class _Meter:
    """Adds up the bytes read over all files."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, file: str, n_bytes: int) -> None:
        self._done = min(self._total, self._done + n_bytes)
        self.say(f"Reading {file}")

    def say(self, what: str) -> None:
        if self._progress:
            self._progress(what, self._done, self._total)


def _version(app: App, source: Source | None) -> str:
    """Changes with the source and with what the app's events may be."""
    events = (f"{name} {event.model_dump_json(exclude=UNREAD)}" for name, event in accepted_events(app).items())
    written = as_written(app)
    text = "\n".join(
        [source.hash if source else "", app.timezone, str(app.earliest), *events, *([written] * bool(written))]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _announce_all(ingest: IngestRun, files: Sequence[Path]) -> list[Delivery]:
    number, before = delivery_number(ingest.warehouse), set[str]()
    return [announce(ingest, path, number + i, before) for i, path in enumerate(files, 1)]


def _is_new(delivery: Delivery, *feeds: str) -> bool:
    return delivery.state == "taken" and delivery.feeds in feeds


def _finish(ingest: IngestRun, found: list[Delivery], *, history: bool) -> IngestResult:
    """Append, mark the deliveries, quarantine, and compute the touched player-days again."""
    warehouse, app = ingest.warehouse, ingest.app
    sync_metrics(warehouse, app)
    first = not warehouse.value("SELECT count(*) FROM (FROM events LIMIT 1)")
    judged = ingest.source.tables if ingest.source and any(_is_new(d, *ingest.source.tables) for d in found) else ()
    if ingest.players:
        appended = append_players(warehouse, app, ingest.now, history=history)
    else:
        appended = append_events(warehouse, app, ingest.now, history=history, whole_source=bool(judged))
    warehouse.append("bad_rows", appended.conflicts)
    entries = None if ingest.calendar is None else take_calendar(ingest, ingest.calendar, history=history)
    if ingest.calendar is not None and entries is not None:
        judged += tuple(t for t in ingest.calendar.tables if ingest.source is None or t not in ingest.source.tables)
    if ingest.source is not None and judged:
        show_raw_rows(ingest, ingest.source)
    found = _with_counts(ingest, found, appended)
    refused, drift = _write_down(ingest, found, judged, history=history)
    if appended.touched.height:
        refresh_parts(warehouse, app, None if first else appended.touched)
    held_back = let_go(warehouse, ingest.source)
    fates = {} if ingest.players else retraction_fates(warehouse, new_only=True)
    return IngestResult(
        tuple(replace(d, fields=(), mends=(), columns={}) for d in found),
        taken=int(appended.fates["rows_taken"].sum()),
        known=int(appended.fates["rows_known"].sum()),
        refused=refused,
        by_event=appended.by_event,
        touched=appended.touched.height,
        reasons=frequent_reasons(warehouse, ingest.now),
        unused={} if ingest.players else find_unused(warehouse, app) | _without_effect(fates),
        retracted=appended.retracted,
        waiting=fates.get("waits", 0),
        calendar=entries or 0,
        held_back=held_back,
        drift=drift,
    )


def _write_down(
    ingest: IngestRun, found: Sequence[Delivery], judged: Sequence[str], *, history: bool
) -> tuple[int, tuple[str, ...]]:
    """Write down what was delivered and what is in quarantine; how many rows are new there, and how files differ."""
    warehouse, now = ingest.warehouse, ingest.now
    found = [replace(d, columns={}) for d in found] if ingest.ours else found
    drift = note_drift(warehouse, ingest.app, found, now, players=ingest.players)
    kept = [d for d in found if not (d.feeds == ingest.direct and _all_refused(d))]  # those may come again
    record_deliveries(warehouse, kept, ingest.version, now, history=history, written=as_written(ingest.app))
    retire_settled(warehouse, [(d.file, d.delivery_id, d.file_hash) for d in found if d.state == "taken"], judged)
    quarantine_files(warehouse, found, now)
    return quarantine_rows(warehouse, found, now), drift


def _without_effect(fates: Mapping[str, int]) -> dict[str, int]:
    """Of retractions, those that take nothing back and wait for nothing."""
    return {why: n for why, n in fates.items() if why not in {"done", "waits"}}


def _why_not(path: Path) -> str:
    if is_hidden(path):
        return "is hidden: its name begins with a point"
    if not path.exists():
        return "is a link to what is not there"
    return "is no CSV, JSON or Parquet file" if path.is_file() else "is neither a file nor a folder"


def _all_refused(delivery: Delivery) -> bool:
    return delivery.rows_refused > 0 and delivery.rows_taken + delivery.rows_known == 0


def _insist_on_some(result: IngestResult) -> None:
    if (
        result.reasons
        and all(d.state != "already taken" for d in result.deliveries)
        and not result.taken + result.known + result.calendar
    ):
        first = result.reasons[0]
        raise NightquestError(
            f"Nothing was taken and {counted(result.refused, 'row')} refused, of which {first.rows:,} because "
            f"{first.reason} (first: {first.file}:{first.line}).",
            "Mend the files, the app file or the source, and deliver them again; docs/ingest.md says what goes in.",
        )
    if not result.deliveries or any(d.state in {"taken", "already taken"} for d in result.deliveries):
        return
    worst = min(result.deliveries, key=lambda d: d.state != "refused")
    more = f" (and {n} more)" if (n := len(result.deliveries) - 1) else ""
    raise NightquestError(f"Nothing was taken. {worst.file}{more}: {worst.reason}", "docs/ingest.md says what goes in.")


def _with_counts(ingest: IngestRun, found: list[Delivery], appended: Appended) -> list[Delivery]:
    """The deliveries with what became of their rows; those of raw tables count raw rows and have theirs already."""
    fates = {row["delivery_id"]: row for row in appended.fates.iter_rows(named=True)}
    bad = ingest.warehouse.frame("SELECT delivery_id, count(*) AS n FROM bad_rows GROUP BY delivery_id")
    refused = dict(bad.iter_rows())
    return [
        replace(
            d,
            rows_taken=fates.get(d.delivery_id, {}).get("rows_taken", 0),
            rows_known=fates.get(d.delivery_id, {}).get("rows_known", 0),
            rows_refused=refused.get(d.delivery_id, 0),
        )
        if _is_new(d, ingest.direct)
        else d
        for d in found
    ]
