"""Frames that SQL reads by name for a while, and the numbers of what it returns in plain types."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa

IN_A_BATCH = 100_000  # rows


class Lent:
    """Rows lent to DuckDB under a name; a transaction would hold on to them to its end, unless they are forgotten."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows: pa.Table | None = rows.to_arrow()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self._rows is None:
            raise ValueError("these rows are lent no longer")
        return self._rows.to_reader(IN_A_BATCH).__arrow_c_stream__(requested_schema)

    def forget(self) -> None:
        """Hold them no longer."""
        self._rows = None


def plain_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """DuckDB's 128-bit decimals as Int64 or Float64."""
    decimals = {name: kind for name, kind in rows.schema.items() if isinstance(kind, pl.Decimal)}
    if not decimals:
        return rows
    return rows.with_columns(
        pl.col(name).cast(pl.Float64 if kind.scale else pl.Int64) for name, kind in decimals.items()
    )
