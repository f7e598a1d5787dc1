"""Load the tables of an open university: the joins of `configs/sources/oulad.sql` over typed columns, and sums."""

import argparse
from pathlib import Path

from tests.benchmarks.straight.store import SQL, open_store


def ingest_clicks(store: Path, folder: Path) -> None:
    """Write events, player_days and player_day_keys.

    Args:
        store: The DuckDB file.
        folder: With the tables as Parquet.
    """
    with open_store(store) as con:
        for statement in (SQL / "clicks.sql").read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                con.execute(statement, {"folder": str(folder)} if "$folder" in statement else None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    ingest_clicks(given.store, given.folder)
