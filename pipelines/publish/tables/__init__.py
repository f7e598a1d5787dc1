"""The published tables, found by the files of this folder: `<name>.py` holds the one of that name.

A new table is one new file with a CONTRACT (data/contracts_out.py) and `rows`, which makes it from what the night has
(seen.py). It is published, audited and named in the manifest without a word elsewhere; docs/outputs.md explains it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import polars as pl

from configs.rooms import Room, load_room
from data.contracts_out import Contract
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen


@dataclass(frozen=True)
class Table:
    """A published table.

    Attributes:
        contract: What it promises its readers.
        rows: Makes its rows: `Seen.named` of a frame, `Seen.select` of a query, or a frame that is small; more columns
            than promised are left out, and their order does not matter.
    """

    name: str
    contract: Contract
    rows: Callable[[Seen], Rows | pl.DataFrame]


def published_tables() -> Mapping[str, Table]:
    """Every table by name, in order of name; one whose file cannot be used is left out, with a warning in the log."""
    return _find(tuple(__path__)).by_name


def table_faults() -> tuple[str, ...]:
    """A sentence for each table whose file cannot be used."""
    return _find(tuple(__path__)).faults


@cache
def _find(_folders: tuple[str, ...]) -> Room[Table]:
    return load_room(__name__, _read, kind="table", lost="is not published")


def _read(name: str, module: ModuleType) -> Table:
    return Table(name, module.CONTRACT, module.rows)
