"""Load a delivery, drop ids that are here, add up the player-days that it touches."""

import argparse
from pathlib import Path

from tests.benchmarks.straight.store import SQL, open_store


def ingest(store: Path, files: list[Path], players: Path | None = None) -> None:
    """Take event files, and first the players if they are given.

    Args:
        store: The DuckDB file.
        files: Parquet with the events contract.
        players: Parquet with the players contract, one record each.
    """
    with open_store(store) as con:
        if players:
            con.execute("CREATE TABLE players AS FROM read_parquet($file)", {"file": str(players)})
        load, *rest = _statements()
        con.execute(load)
        for statement in rest:
            con.execute(statement, {"files": [str(file) for file in files]} if "$files" in statement else None)


def _statements() -> list[str]:
    return [text for text in (SQL / "ingest.sql").read_text(encoding="utf-8").split(";\n") if text.strip()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--players", type=Path)
    given = parser.parse_args()
    ingest(given.store, given.files, given.players)
