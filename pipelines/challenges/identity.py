"""Ids of a night's rows: the same night gives the same ids, a refreshed one gives new ones."""

import uuid

import polars as pl

from data.warehouse import Warehouse
from pipelines.known import Known

NAMESPACE = uuid.UUID("6f0f2f0e-52f1-5c0c-9a55-3d7c3c4f7d10")


def content_ids(known: Known, names: pl.Series) -> pl.Series:
    """UUIDv5 of app, as_of, revision (from the second on) and name, in the order of `names`."""
    revision = f"r{known.night.revision}/" if known.night.revision > 1 else ""
    return named_ids(known.warehouse, names, start=f"{known.app.app}/{known.as_of}/{revision}")


def named_ids(warehouse: Warehouse, names: pl.Series, *, start: str = "") -> pl.Series:
    """UUIDv5 of each name behind `start`, whichever the night, in the order of `names`."""
    with warehouse.lend(named=names.rename("name").to_frame()):
        found = warehouse.frame(warehouse.fixed("challenges/content_ids"), {"namespace": NAMESPACE.hex, "start": start})
    return found["content_id"]
