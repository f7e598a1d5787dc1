"""A home that was moved or copied takes its artifacts along.

MLflow writes down in full where the artifacts of each experiment, run and model lie. That is set right in the store
before it is opened, so that a home works wherever it lies and a copy never writes into the home it was copied from.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from data.whole_files import whole_file

MODEL_FILE = "MLmodel"  # MLflow's own description of a model, which names its place too


def follow_home(store: Path, artifacts: Path) -> bool:
    """Let a SQLite store name its artifacts where they lie now; True when they were elsewhere before.

    Only places that Nightquest gave are changed: `<a home>/mlartifacts/<experiment>`.

    Args:
        store: `mlflow.db`; one that does not exist yet, or has no tables, is left alone.
        artifacts: The folder of the store's artifacts.

    Raises:
        sqlite3.Error: The store is damaged or cannot be written.
    """
    if not store.exists():
        return False
    here = artifacts.resolve()
    with closing(sqlite3.connect(store, timeout=60)) as con, con:
        moves = {old: new for old, new in _roots(con, here).items() if old != new}
        for old, new in moves.items():
            _rewrite(con, old, new)
    for path in here.rglob(MODEL_FILE) if moves else ():
        _rewrite_file(path, moves)
    return bool(moves)


def _roots(con: sqlite3.Connection, here: Path) -> dict[str, str]:
    """Folders of artifacts as the experiments name them, addresses or plain paths, and what each should be."""
    if not con.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        return {}
    roots = {}
    for number, name, place in con.execute("SELECT experiment_id, name, artifact_location FROM experiments"):
        for tail in (f"/{quote(name)}", f"/{number}"):
            root = (place or "").removesuffix(tail)
            if root != place and root.endswith(f"/{here.name}"):
                roots[root] = here.as_uri() if root.startswith("file:") else str(here)
    return roots


def _rewrite(con: sqlite3.Connection, old: str, new: str) -> None:
    """Every text of the store that is the old place or lies under it; which columns hold one changes with MLflow."""
    for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, kind, *_ in con.execute(f'PRAGMA table_info("{table}")').fetchall():
            if not kind.upper().startswith(("VARCHAR", "TEXT", "CLOB")):
                continue
            con.execute(
                f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '
                f'WHERE "{column}" = ? OR substr("{column}", 1, ?) = ?',
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )


def _rewrite_file(path: Path, moves: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    moved = text
    for old, new in moves.items():
        moved = moved.replace(f"{old}/", f"{new}/")
    if moved != text:
        with whole_file(path) as part:
            part.write_text(moved, encoding="utf-8")
