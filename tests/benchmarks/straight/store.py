"""The straight scripts' DuckDB file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

SQL = Path(__file__).parent


@contextmanager
def open_store(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, in UTC, with DuckDB's own choice of threads."""
    with duckdb.connect(str(path)) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con
