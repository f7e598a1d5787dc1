"""Bring nights that are out to the destinations that lack them; what fails is told and stays to be delivered."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from configs.commands import command
from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.publish.outbox import Due, NightName, find_due, forget, keep_failure, keep_receipt, queue
from pipelines.publish.published import Published, damaged_files, read_manifest
from pipelines.publish.sinks import Clock, Options, sink_problem, sinks

MOST = 500  # characters of a receipt or an error that are kept
Send = Callable[[str, Path, Options, Clock], str]


@dataclass(frozen=True)
class Deliveries:
    """What a run delivered.

    Attributes:
        done: (destination, folder of the night, receipt).
        failed: A sentence for each destination that still lacks nights, with the remedy.
    """

    done: Sequence[tuple[str, str, str]] = ()
    failed: Sequence[str] = field(default_factory=tuple)


def deliver_due(
    warehouse: Warehouse,
    home: Path,
    app: str,
    chosen: Mapping[str, Options],
    clock: Clock,
    send: Send,
    night: NightName | None = None,
) -> Deliveries:
    """Deliver what destinations lack, each night with its receipt before the next is sent.

    Due is what the outbox holds, a night that has just gone out, and for a new destination the newest night.

    Nights go out oldest first. When one cannot be delivered, of that destination's others only the newest is tried:
    what is dead is not waited for night by night, and one bad night does not keep tonight's away.

    Args:
        warehouse: Open for writing, so that no other process delivers.
        home: Where the nights lie.
        app: Whose nights.
        chosen: The app's destinations and what they are told.
        clock: The time in UTC.
        send: `send_night`, or what tries it more than once when a connection or a disk fails it.
        night: That has just gone out.
    """
    queue(warehouse, home, app, chosen, night)
    done: list[tuple[str, str, str]] = []
    failed: list[str] = []
    for sink, rows in groupby(sorted(find_due(warehouse, chosen), key=lambda due: due.sink), lambda due: due.sink):
        left, error = list(rows), ""
        while left:
            due = left.pop(0)
            folder = due.folder(home, app)
            if not folder.is_dir():
                forget(warehouse, due)
                continue
            try:
                receipt = send(sink, folder, chosen[sink], clock)
            except (Exception, SystemExit) as refused:  # noqa: BLE001 (a destination never stops a night)
                error = _why(refused, sink, folder, chosen[sink])
                keep_failure(warehouse, due, error, clock())
                left = left[-1:]
            else:
                keep_receipt(warehouse, due, receipt, clock())
                done.append((sink, folder.name, receipt))
        if error:
            failed.append(_sentence(sink, app, find_due(warehouse, [sink]), error))
    return Deliveries(done, failed)


def send_night(sink: str, folder: Path, options: Options, clock: Clock) -> str:
    """Bring one night to one destination; returns the receipt.

    Args:
        sink: Its name.
        folder: Where the night lies.
        options: What it is told.
        clock: The time in UTC.

    Raises:
        NightquestError: The destination cannot be used or gave no receipt, or the night is damaged.
        Exception: Whatever the destination raises.
    """
    if problem := sink_problem(sink, options):
        raise NightquestError(f"{problem[:1].upper()}{problem[1:]}.", "Correct NIGHTQUEST_SINKS.")
    manifest = read_manifest(folder)
    if damaged := damaged_files(folder, manifest):
        again = command("nightly", "--as-of", manifest.as_of, app=manifest.app)
        raise NightquestError(f"{folder / damaged[0]} is damaged.", f"Publish it again: {again}")
    receipt = sinks()[sink].deliver(Published(folder, manifest), options, clock)
    if not isinstance(receipt, str) or not receipt.strip():
        raise NightquestError(f"It gave no receipt for {folder.name}.", "Mend its file in pipelines/publish/sinks.")
    return receipt[:MOST]


def _why(error: BaseException, sink: str, folder: Path, options: Options) -> str:
    """What a person is told of a failed delivery, without the destination's secrets."""
    told = f"It did not take {folder.name}: {type(error).__name__}: {str(error).rstrip('.')}."
    if isinstance(error, NightquestError):
        told = f"{error.message} {error.remedy}".strip()
    with suppress(NightquestError):  # two of one name: then nothing was told to either
        for secret in sinks()[sink].secrets & options.keys() if sink in sinks() else ():
            told = told.replace(options[secret] or "***", "***")
    return told[:MOST]


def _sentence(sink: str, app: str, due: Sequence[Due], error: str) -> str:
    nights = f"the night of {due[0].as_of}" if len(due) == 1 else f"{len(due)} nights from {due[0].as_of} on"
    again = f"It is tried again by the next run, or: {command('deliver', app=app)}"
    return f"Not delivered to {sink}: {nights}. {error} {again}"
