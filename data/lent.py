"""Frames that SQL reads within a transaction."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa

IN_A_BATCH = 100_000  # rows


class Lent:
    """Rows that a transaction reads: it remembers each name that it has known, and what bore it, until its end."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows: pa.Table | None = rows.to_arrow()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self._rows is None:
            raise ValueError("these rows are lent no longer")
        return self._rows.to_reader(IN_A_BATCH).__arrow_c_stream__(requested_schema)

    def forget(self) -> None:
        """Hold them no longer."""
        self._rows = None
