"""Decisions of people from a file: judged row by row, and taken in as the events that a night reads them from."""

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from configs.app import App
from configs.badge_rules import badge_rules, nominate_rules
from configs.errors import NightquestError
from configs.nouns import counted
from data.warehouse import Warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.activity.normalise import broken_line
from pipelines.activity.read_files import Block, read_blocks
from pipelines.activity.refused import FileRefusedError

NEEDED = ("user_id", "badge_id", "decision")
COLUMNS = (*NEEDED, "reason", "citation", "by")
_LATELY = dt.timedelta(days=1)


@dataclass(frozen=True)
class WrongRow:
    """A row of the file that was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Decisions:
    """What became of a file of decisions.

    Attributes:
        taken: Decisions that the next night carries out.
        known: Rows that say what was decided already.
        wrong: The others, in the file's order.
    """

    app: str
    taken: int
    known: int
    wrong: tuple[WrongRow, ...] = ()


def take_decisions(warehouse: Warehouse, app: App, path: Path, *, cut: dt.datetime, now: dt.datetime) -> Decisions:
    """Take a file of decisions in; the same file again changes nothing.

    A decision counts from `now`, or from right after the newest night's cut where that lies a day or more back, so that
    the next night hears it also when nights of past days are made.

    Args:
        warehouse: Open for writing.
        app: Whose badges are decided on, with a source or without.
        path: CSV or JSON Lines with user_id, badge_id, decision (award or refuse), and maybe reason, citation and by.
        cut: Of the newest published night.
        now: When the file came (UTC).

    Raises:
        NightquestError: The file cannot be read, or lacks a column.
    """
    try:
        blocks = list(read_blocks(path, NEEDED))
    except FileRefusedError as error:
        raise NightquestError(
            f"'{path}' is no file of decisions. {error}",
            f"Its columns are {', '.join(COLUMNS)}; the last three may lack.",
        ) from None
    said = pl.concat([_said(warehouse, block) for block in blocks])
    moment = now if cut < now < cut + _LATELY else cut + dt.timedelta(milliseconds=1)
    with warehouse.lend(said=said, badges=_badges(app)):
        rows = warehouse.frame(warehouse.fixed("badges/decision_rows"), {"moment": moment})
    right = rows.filter(pl.col("fault").is_null())
    new = right.filter(~pl.col("is_known"))
    _ingest(warehouse, app, new, max(now, moment))
    faults = rows.filter(pl.col("fault").is_not_null()).select("line", "fault").iter_rows()
    unread = ((line.line, line.reason) for block in blocks for line in block.bad)
    wrong = tuple(WrongRow(*row) for row in sorted([*faults, *unread]))
    return Decisions(app.app, new.height, right.height - new.height, wrong)


def _badges(app: App) -> pl.DataFrame:
    """badge_id, rule_version, whether it is judged, can be earned again, and is withdrawn."""
    rows = [
        (rule.badge_id, rule.version, bool(rule.badge.judged), bool(rule.badge.repeat), rule.badge.state == "withdrawn")
        for rule in (*badge_rules(app), *nominate_rules(app))
    ]
    kinds = dict.fromkeys(("is_judged", "repeats", "is_withdrawn"), pl.Boolean)
    return pl.DataFrame(rows, schema={"badge_id": pl.String, "rule_version": pl.String, **kinds}, orient="row")


def _said(warehouse: Warehouse, block: Block) -> pl.DataFrame:
    """Line, why it cannot be read at all, and the columns as trimmed text; null where there is nothing."""
    has = set(block.frame.columns)
    parts = [f"doc ->> '$.{name}'" if block.is_json else f'"{name}"' if name in has else "NULL" for name in COLUMNS]
    broken = f"CASE {broken_line('doc')} END" if block.is_json else "NULL::VARCHAR"
    rows = "(SELECT *, TRY_CAST(_raw AS JSON) AS doc FROM block)" if block.is_json else "block"
    chosen = ", ".join(
        f"nullif(trim(({part})::VARCHAR), '') AS \"{name}\"" for part, name in zip(parts, COLUMNS, strict=True)
    )
    with warehouse.lend(block=block.frame):
        return warehouse.frame(f"SELECT _line AS line, {broken} AS broken, {chosen} FROM {rows}")


def _ingest(warehouse: Warehouse, app: App, rows: pl.DataFrame, now: dt.datetime) -> None:
    """Decisions as a delivery of events in the contract's own columns."""
    if rows.is_empty():
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events-decisions.csv"
        rows.select("user_id", "event", "occurred_at", "properties").write_csv(file)
        result = ingest_files(warehouse, app, [file], now=now, history=True, ours=True)
    if result.taken != rows.height:
        why = result.reasons[0].reason if result.reasons else "they are known"
        raise NightquestError(f"Taken were only {result.taken:,} of {counted(rows.height, 'decision')}: {why}.")
