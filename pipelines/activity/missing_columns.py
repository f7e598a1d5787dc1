"""Files that lack a column without which nothing in them is an event: told in a sentence each, and nothing is kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from data.warehouse import Warehouse
from pipelines.activity.columns import say_lacking
from pipelines.activity.deliveries import Delivery
from pipelines.activity.normalise import column_types, quote
from pipelines.activity.raw_tables import all_delivered, column_fault, forget_delivery, never_had, running
from pipelines.activity.source import Source

if TYPE_CHECKING:
    from pipelines.activity.delivery_reader import IngestRun


def refuse_lacking(
    ingest: "IngestRun", source: Source, found: Sequence[Delivery]
) -> tuple["IngestRun", list[Delivery]]:
    """Refuse, and take back out, files of which the source makes nothing because they lack a column that it reads.

    A file may lack a column, such as one that came later, as long as some row of it still becomes an event (it has a
    player, a kind of event and a moment) or takes an event back.

    The first file of a table is refused for any missing column, since the SELECT cannot run without it. Other tables
    are taken all the same, unless this table is joined to them: without it their rows would come out differently.

    Returns:
        The run with the source as far as it can be read, and the files.
    """
    warehouse = ingest.warehouse
    if not all_delivered(warehouse, source):
        return ingest, list(found)
    found = [_first(warehouse, source, each, found) for each in found]
    source = _as_far_as_delivered(warehouse, source)
    ingest = replace(ingest, source=source)
    if column_fault(warehouse, source):  # told when the source is run
        return ingest, found
    needed = [name for name, must in ingest.columns.items() if must]
    told = [_judged(warehouse, source, each, needed) if each.feeds in source.tables else each for each in found]
    return ingest, told


def _first(warehouse: Warehouse, source: Source, each: Delivery, found: Sequence[Delivery]) -> Delivery:
    """The file, refused where it is the first of its table and lacks what the source reads."""
    table = each.feeds
    if each.state != "taken" or table not in source.tables or table in source.joined or len(source.tables) == 1:
        return each
    missing = never_had(warehouse, source, table)
    if not missing or not _is_empty(warehouse, table, [one.delivery_id for one in found if one.feeds == table]):
        return each
    remedy = "No such file had it before: rename the column, or write NULL for it in the SELECT"
    return _refused(warehouse, source, each, missing, remedy)


def _is_empty(warehouse: Warehouse, table: str, but: Sequence[str] = ()) -> bool:
    """Whether a raw table holds no delivery, but perhaps these."""
    others = f"SELECT count(*) FROM (FROM {table} WHERE NOT list_contains($but, _delivery_id) LIMIT 1)"
    return not warehouse.value(others, {"but": [*but]})


def _as_far_as_delivered(warehouse: Warehouse, source: Source) -> Source:
    """The source over tables of which all files so far were refused: with the columns that it reads, and no rows."""
    empty = [table for table in source.tables if _is_empty(warehouse, table)]
    lacking = {table: names for table in empty if (names := never_had(warehouse, source, table))}
    if not lacking:
        return source
    tree = sqlglot.parse_one(source.sql, dialect="duckdb")
    for node in [*tree.find_all(exp.Table)]:
        if absent := lacking.get(node.name.lower()):
            nulls = (exp.alias_(exp.null(), name, quoted=True) for name in absent)
            nothing = exp.select("*", *nulls).from_(exp.to_table(node.name))
            node.replace(nothing.subquery(node.alias or node.name))
    reads = {table: names for table, names in source.reads.items() if table not in lacking}
    return replace(source, sql=tree.sql(dialect="duckdb"), reads=reads)


def _refused(warehouse: Warehouse, source: Source, each: Delivery, missing: Sequence[str], remedy: str) -> Delivery:
    forget_delivery(warehouse, each.feeds, each.delivery_id)
    warehouse.run("DELETE FROM bad_rows WHERE delivery_id = $id", {"id": each.delivery_id})
    told = say_lacking(missing, [*each.columns], known=source.reads.get(each.feeds, ()))
    reason = f"It {told}. {remedy}, and deliver the file again; nothing of it was kept."
    return replace(each, state="refused", reason=reason, rows_read=0, rows_taken=0, rows_refused=0)


def _judged(warehouse: Warehouse, source: Source, each: Delivery, needed: Sequence[str]) -> Delivery:
    here = {name.lower() for name in each.columns}
    there = {name.lower() for name in column_types(warehouse, each.feeds)}
    missing = [name for name in source.reads.get(each.feeds, ()) if name.lower() in there - here]
    judged = each.state == "taken" and each.rows_read and each.columns and not each.mends  # an empty file lacks nothing
    if not judged or not missing or _makes_some(warehouse, source, each, needed):
        return each
    remedy = "The source makes nothing of it without: rename the column, or let the SELECT read the other one, too"
    return _refused(warehouse, source, each, missing, remedy)


def _makes_some(warehouse: Warehouse, source: Source, each: Delivery, needed: Sequence[str]) -> bool:
    """Whether the source makes a whole row of a file. One that is only joined to others may make none by itself."""
    good = " AND ".join(f"{quote(name)} IS NOT NULL" for name in needed if name in source.yields)
    takes_back = " OR retracts IS NOT NULL" if "retracts" in source.yields else ""  # a file may hold nothing else
    count = f"SELECT count(*), count(*) FILTER (({good or 'true'}){takes_back})"
    with running(warehouse, source):
        mine, none = (
            warehouse.rows(f"{count} FROM ({_over(source, each.feeds, only)})")[0] for only in (each.delivery_id, "")
        )
    rows, with_all = mine[0] - none[0], mine[1] - none[1]
    return bool(with_all > 0 or (rows <= 0 and each.feeds in source.joined))


def _over(source: Source, table: str, delivery_id: str) -> str:
    """The source, as SQL, reading of one table a single delivery only."""
    tree = sqlglot.parse_one(source.sql, dialect="duckdb")
    for node in [*tree.find_all(exp.Table)]:
        if node.name.lower() == table:
            rows = exp.select("*").from_(node.name).where(exp.column("_delivery_id").eq(delivery_id))
            node.replace(rows.subquery(node.alias or node.name))
    return tree.sql(dialect="duckdb")
