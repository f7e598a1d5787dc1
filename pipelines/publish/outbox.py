"""What is still to be delivered: one row for each night and destination, until there is a receipt."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.publish.published import folder_name, published_nights, published_root

NightName = tuple[dt.date, int]  # as_of, revision


@dataclass(frozen=True)
class Due:
    """A night that a destination still lacks."""

    as_of: dt.date
    revision: int
    sink: str

    def folder(self, home: Path, app: str) -> Path:
        """Where the night lies."""
        return published_root(home, app) / folder_name(self.as_of, self.revision)


def queue(warehouse: Warehouse, home: Path, app: str, sinks: Iterable[str], night: NightName | None = None) -> None:
    """Write down that a night is to be delivered, and the newest one that is out: a new destination gets that one."""
    for each, sink in _expected(home, app, sinks, night):
        warehouse.run(
            "INSERT INTO outbox (as_of, revision, sink) VALUES ($d, $r, $s) ON CONFLICT DO NOTHING",
            {"d": each[0], "r": each[1], "s": sink},
        )


def ask_again(warehouse: Warehouse, home: Path, app: str, sinks: Collection[str], sink: str) -> None:
    """Let the newest night that is out be delivered to a destination once more, as if it had never been.

    Raises:
        NightquestError: There is no such destination.
    """
    if sink not in sinks:
        known = f"NIGHTQUEST_SINKS names {', '.join(sinks)}" if sinks else "NIGHTQUEST_SINKS names none for this app"
        raise NightquestError(f"There is no destination '{sink[:60]}': {known}.", "Give the name of one of them.")
    queue(warehouse, home, app, [sink])
    for day, revision in [(day, revision) for day, revision, _ in published_nights(home, app)][-1:]:
        warehouse.run(
            "UPDATE outbox SET receipt = NULL, delivered_at = NULL WHERE as_of = $d AND revision = $r AND sink = $s",
            {"d": day, "r": revision, "s": sink},
        )


def is_due(warehouse: Warehouse, home: Path, app: str, sinks: Sequence[str], night: NightName | None = None) -> bool:
    """Whether something is to be delivered, written down or not."""
    known = {
        ((day, revision), sink) for day, revision, sink in warehouse.rows("SELECT as_of, revision, sink FROM outbox")
    }
    return bool(find_due(warehouse, sinks)) or any(row not in known for row in _expected(home, app, sinks, night))


def find_due(warehouse: Warehouse, sinks: Iterable[str]) -> list[Due]:
    """What these destinations still lack, oldest night first."""
    rows = warehouse.rows("SELECT as_of, revision, sink FROM outbox WHERE receipt IS NULL ORDER BY ALL")
    wanted = set(sinks)
    return [Due(*row) for row in rows if row[2] in wanted]


def keep_receipt(warehouse: Warehouse, due: Due, receipt: str, at: dt.datetime) -> None:
    """Write down that a night was delivered: it never is again."""
    _update(warehouse, due, "receipt = $told, delivered_at = $at, error = NULL, tries = tries + 1", receipt, at)


def keep_failure(warehouse: Warehouse, due: Due, error: str, at: dt.datetime) -> None:
    """Write down why a night could not be delivered."""
    _update(warehouse, due, "error = $told, failed_at = $at, tries = tries + 1", error, at)


def forget(warehouse: Warehouse, due: Due) -> None:
    """Strike out a night that lies nowhere any more."""
    warehouse.run(
        "DELETE FROM outbox WHERE as_of = $d AND revision = $r AND sink = $s",
        {"d": due.as_of, "r": due.revision, "s": due.sink},
    )


def undelivered(warehouse: Warehouse, sinks: Iterable[str]) -> list[tuple[str, int, dt.date, str | None]]:
    """Of each destination that lacks nights: its name, how many, the first of them, and the last error."""
    rows = warehouse.rows(
        """SELECT sink, count(*), min(as_of), arg_max(error, failed_at) FROM outbox
           WHERE receipt IS NULL GROUP BY sink ORDER BY sink"""
    )
    wanted = set(sinks)
    return [(sink, count, first, error) for sink, count, first, error in rows if sink in wanted]


def _expected(home: Path, app: str, sinks: Iterable[str], night: NightName | None) -> Iterable[tuple[NightName, str]]:
    """The newest night that is out, and where one is given, it and the newest one before it.

    That one may have been killed between going out and being written down here.
    """
    out = [(day, revision) for day, revision, _ in published_nights(home, app)]
    before = [each for each in out if night is not None and each < night]
    nights = dict.fromkeys([*before[-1:], *out[-1:], *([night] if night else [])])
    return [(each, sink) for sink in sinks for each in nights]


def _update(warehouse: Warehouse, due: Due, changes: str, told: str, at: dt.datetime) -> None:
    warehouse.run(
        f"UPDATE outbox SET {changes} WHERE as_of = $d AND revision = $r AND sink = $s",
        {"told": told, "at": at, "d": due.as_of, "r": due.revision, "s": due.sink},
    )
