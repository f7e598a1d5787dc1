"""Nights that are out, without the rows of one person: every file with such a row is written anew, then its manifest.

Killed half-way, a night is one whose checksums differ until the erasure is run again: nothing of others is lost, and a
reader is told to read again rather than shown half of it.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from pipelines.publish.disk import Disk
from pipelines.publish.parquet import put_table
from pipelines.publish.publish import as_json, point_at, sweep
from pipelines.publish.published import MANIFEST, Published, TableFile, nights_in, read_manifest
from pipelines.publish.rows import AT_A_TIME

_USER = "user_id"


def count_published(root: Path, user_id: str) -> dict[str, int]:
    """How many rows each night in a folder of nights has of the person."""
    counts = {folder.name: sum(n for _, n in _theirs(folder, user_id)) for _, _, folder in nights_in(root)}
    return {night: n for night, n in counts.items() if n}


def take_out_published(root: Path, user_id: str) -> int:
    """Write every night in a folder of nights anew without the person; returns how many rows went."""
    disk, gone = Disk(), 0
    sweep(disk, root)
    nights = nights_in(root)
    for _, _, folder in nights:
        gone += _without(folder, user_id, disk)
    if nights:
        point_at(nights[-1][2], disk)
    return gone


def _theirs(folder: Path, user_id: str) -> Iterator[tuple[str, int]]:
    for name, table in read_manifest(folder).tables.items():
        path = folder / table.file
        if path.is_file() and _USER in pl.read_parquet_schema(path):
            mine = pl.scan_parquet(path, glob=False).filter(pl.col(_USER) == user_id)
            yield name, int(mine.select(pl.len()).collect().item())


def _without(folder: Path, user_id: str, disk: Disk) -> int:
    """The rows that went from one night; files whose checksum differs, since a run was killed, are counted anew."""
    manifest = read_manifest(folder)
    night = Published(folder, manifest)
    tables, gone, parts = dict(manifest.tables), 0, list[Path]()
    for name, n in _theirs(folder, user_id):
        table = manifest.tables[name]
        path = folder / table.file
        if n:
            left = (rows.filter(pl.col(_USER).ne_missing(user_id)) for rows in night.parts(name, AT_A_TIME))
            parts.append(path.with_name(f"{path.name}.part"))
            tables[name] = put_table(partial(disk.write, parts[-1]), table.file, left)
        else:
            tables[name] = _as_it_lies(path, table)
        gone += n
    if tables == manifest.tables:
        return 0
    whole = manifest.model_copy(update={"tables": tables})
    noted = folder / f"{MANIFEST}.part"
    disk.write(noted, lambda file: file.write(as_json(whole)))
    for part in (*parts, noted):
        disk.move(part, part.with_suffix(""))
    disk.sync(folder)
    return gone


def _as_it_lies(path: Path, table: TableFile) -> TableFile:
    """What a file is, where its checksum differs from the manifest's."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest == table.sha256:
        return table
    rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    return TableFile(file=table.file, rows=rows, bytes=path.stat().st_size, sha256=digest)
