"""What a delivery looks like beside what came before: columns that came, went or changed, properties no longer told."""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.append import UNCOMMITTED
from pipelines.activity.columns import OWN_COLUMNS
from pipelines.activity.deliveries import Delivery
from pipelines.activity.normalise import TYPES, column_types, kind_in_words, quote
from pipelines.activity.raw_tables import taken_apart
from pipelines.activity.read_files import Block, table_stem

_LOOKED_AT = 50_000  # of the newest earlier events, and of those that came
_TOLD_APART = 5  # columns that came or went
_FEWEST = 20  # events of a kind, on either side, that tell something
_USUAL, _GONE = 0.5, 0.05  # shares of events with a property
_NEARLY_ALL, _HARDLY_ANY = 0.95, 0.5  # shares of a text column's values that are numbers
_KIND_OF_TEXT = {1: "a number", 0: "", -1: "text"}


def note_drift(
    warehouse: Warehouse, app: App, found: Sequence[Delivery], now: dt.datetime, *, players: bool
) -> tuple[str, ...]:
    """Tell how what was taken differs from what came before, and write that down for `status` and the next night.

    Args:
        warehouse: After the rows are in, and before the deliveries are recorded.
        app: Its events.
        found: The files, with the columns that they have.
        now: When they arrived.
        players: They are player records.

    Returns:
        A sentence for each file that differs, and each property that was usual and is hardly told any more.
    """
    told = [
        f"{Path(each.file).name}: {changes}."
        for each, before in _beside_earlier(warehouse, found)
        if (changes := "; ".join(_changes(before, each.columns)))
    ]
    if not players:
        told += _untold(warehouse, app)
    schema: dict[str, pl.DataType] = {"noted_at": pl.Datetime("us", "UTC"), "told": pl.String()}
    rows = pl.DataFrame([(now, each) for each in told], schema=schema, orient="row")
    warehouse.append("drifts", rows)
    return tuple(told)


def columns_in(warehouse: Warehouse, block: Block) -> dict[str, str]:
    """The columns of a file's first block, and what each is in words; of JSON those that most objects have.

    Values of text files are text: a column is of numbers when nearly all are, of text when hardly one is, else unknown.
    """
    with warehouse.lend(_block=block.frame):
        relation = taken_apart(warehouse)[0] if block.is_json else "_block"
        types = {name: kind for name, kind in column_types(warehouse, relation).items() if name not in OWN_COLUMNS}
        typed = block.frame["_raw"].null_count() == block.frame.height
        if typed or not types:
            return {name: kind_in_words(kind) for name, kind in types.items()}
        counts = ", ".join(
            f"count({quote(n)}), count(TRY_CAST({quote(n)} AS DOUBLE)) / nullif(count(nullif({quote(n)}, '')), 0)"
            for n in types
        )
        found = warehouse.rows(f"SELECT count(*), {counts} FROM {relation}")[0]
    rows, filled, numbers = found[0], found[1::2], found[2::2]
    return {
        name: _KIND_OF_TEXT[(share >= _NEARLY_ALL) - (share <= _HARDLY_ANY)] if share is not None else ""
        for name, n, share in zip(types, filled, numbers, strict=True)
        if not block.is_json or n > rows * _USUAL
    }


def _beside_earlier(warehouse: Warehouse, found: Sequence[Delivery]) -> Iterable[tuple[Delivery, Mapping[str, str]]]:
    """Each file whose columns are known, with those of the delivery before it that fed the same.

    That is the one before it of its own name but for numbers, since `events-shown.csv` looks otherwise than
    `events-12.csv` each night; of a name that is new, whatever came last.
    """
    before = dict[tuple[str, str], Mapping[str, str]]()
    earlier = warehouse.rows(
        "SELECT source, file, columns FROM deliveries WHERE columns IS NOT NULL ORDER BY delivery_id"
    )
    for source, file, columns in earlier:
        before[source, ""] = before[source, _name(file)] = json.loads(columns)
    for each in found:
        if each.state == "taken" and each.columns and not each.mends:
            own, last = (each.feeds, _name(each.file)), (each.feeds, "")
            if was := before.get(own) or before.get(last):
                yield each, was
            before[own] = before[last] = each.columns


def _name(file: str) -> str:
    """A file's name without the numbers that tell one delivery from another."""
    return " ".join(re.findall(r"[^\W\d_]+", table_stem(Path(file)).lower()))


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterable[str]:
    """In words: what came, what went, and what has another type; one of each in the same place may be a new name."""
    came, went = [c for c in now if c not in before], [c for c in before if c not in now]
    if len(came) == len(went) == 1 and not {*came, *went} <= TYPES.keys():  # names of files as they should be
        where = " in its place" if list(now).index(came[0]) == list(before).index(went[0]) else ""
        yield f"lacks '{went[0]}' and has '{came[0]}'{where}, which is perhaps its new name"
    else:
        yield from _each(went, "lacks {}, which came before", "lacks {}, which came before")
        yield from _each(came, "has a new column {}", "has new columns {}")
    for name, kind in now.items():
        was = before.get(name)
        if was is not None and was != kind and "" not in {was, kind}:
            yield f"'{name}' is {kind} and was {was}"


def _each(names: Sequence[str], one: str, many: str) -> Iterable[str]:
    """A phrase for each of a few names; of many, as of a sheet with other days, one that names the first."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) <= _TOLD_APART:
        return [one.format(name) for name in quoted]
    return [many.format(f"{', '.join(quoted[:_TOLD_APART])} and {len(quoted) - _TOLD_APART} more")]


def _untold(warehouse: Warehouse, app: App) -> list[str]:
    """A sentence for each property that most events of a kind told before, and hardly any of those that came."""
    now = _shares(warehouse, "events", f"rowid >= {UNCOMMITTED}")
    tells = any(n >= _FEWEST for n, _ in now.values())
    before = _shares(warehouse, "events", f"rowid < {UNCOMMITTED}") if tells else {}
    told = []
    for event, (n, here) in sorted(now.items()):
        were, usual = before.get(event, (0, {}))
        for name in app.events[event].properties if event in app.events and min(n, were) >= _FEWEST else ():
            if here.get(name, 0.0) <= _GONE and usual.get(name, 0.0) >= _USUAL:
                missing = f"'{event}' came {n:,} times, {1 - here.get(name, 0.0):.0%} of them without '{name}'"
                told.append(f"{missing}, which {usual[name]:.0%} had before.")
    return told


def _shares(warehouse: Warehouse, table: str, which: str) -> dict[str, tuple[int, dict[str, float]]]:
    """By event: how many of the newest were looked at, and the share of them with each property."""
    rows = warehouse.rows(
        f"""WITH looked AS (
                SELECT event, properties FROM {table}
                WHERE rowid > (SELECT max(rowid) FROM {table} WHERE {which}) - {_LOOKED_AT} AND {which}
            ),
            counts AS (SELECT event, count(*) AS n FROM looked GROUP BY event),
            told AS (
                SELECT event, key, count(*) AS n
                FROM (SELECT event, unnest(json_keys(properties)) AS key FROM looked) GROUP BY event, key
            )
            SELECT c.event, c.n, t.key, t.n / c.n FROM counts AS c LEFT JOIN told AS t USING (event)"""
    )
    shares: dict[str, tuple[int, dict[str, float]]] = {}
    for event, n, key, share in rows:
        told = shares.setdefault(event, (int(n), {}))[1]
        if key is not None:
            told[key] = float(share)
    return shares
