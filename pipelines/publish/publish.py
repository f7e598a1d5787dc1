"""Publish a night whole: stage it, move it into place, then move latest.json.

A published folder is never changed or replaced: the first revision of a night is `<as_of>`, the second `<as_of>.r2`.
A reader that follows latest.json sees a whole night, the one before or this one. Killed anywhere and run again it ends
the same. One process at a time publishes an app: the one that has its warehouse open for writing.
"""

import errno
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from configs.commands import command
from configs.errors import NightquestError
from data.contracts_out import SCHEMA_VERSION
from pipelines.pins import Night
from pipelines.publish.audit import AuditReport
from pipelines.publish.disk import Disk, write_whole
from pipelines.publish.published import (
    LATEST,
    MANIFEST,
    Latest,
    Manifest,
    TableFile,
    damaged_files,
    folder_name,
    published_nights,
    published_root,
    read_manifest,
    sha256,
)

STAGING = ".staging-"
DAMAGED = ".damaged-"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Publication:
    """Where a night is, and whether this run put it there."""

    folder: Path
    changed: bool


def publish_night(
    tables: Mapping[str, pl.DataFrame],
    night: Night,
    home: Path,
    report: AuditReport,
    disk: Disk | None = None,
    *,
    models: Mapping[str, str] | None = None,
) -> Publication:
    """Publish an audited night under `<home>/published/<app>/`.

    Args:
        tables: From `collect_tables`.
        night: Its pins go into the manifest; `generated_at` is its `started_at`.
        home: The folder that everything is written under.
        report: Of these tables; a night that it refuses is not published.
        disk: What writes; the real file system by default.
        models: Which version of each model had a part, for the manifest.

    Returns:
        The night's folder; `changed` is False when it was out already with the same content.

    Raises:
        NightquestError: The audit failed; the night is out with other content; the disk is full or may not be written.
    """
    report.require()
    disk = disk or Disk()
    root = published_root(home, night.app.app)
    try:
        disk.make_folder(root)
        sweep(disk, root)
        return _publish(tables, night, home, disk, models or {})
    except (OSError, NightquestError) as error:
        with suppress(OSError):
            sweep(disk, root)
        if isinstance(error, NightquestError):
            raise
        raise _explained(error, night, root) from error


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """A frame as Parquet, the same bytes for the same rows however they lay in memory."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(
        buffer, compression="zstd", compression_level=3, statistics=True, row_group_size=131_072
    )
    return buffer.getvalue()


def _publish(
    tables: Mapping[str, pl.DataFrame], night: Night, home: Path, disk: Disk, models: Mapping[str, str]
) -> Publication:
    app = night.app.app
    root = published_root(home, app)
    folder = root / folder_name(night.as_of, night.revision)
    staging = root / f"{STAGING}{folder.name}"
    manifest = _stage(disk, staging, tables, night, models)
    placed = _put_in_place(disk, staging, folder, manifest)
    moved = _point_latest(disk, home, app)
    return Publication(folder, changed=placed or moved)


def _stage(
    disk: Disk, staging: Path, tables: Mapping[str, pl.DataFrame], night: Night, models: Mapping[str, str]
) -> Manifest:
    """Write the whole night where no reader looks."""
    disk.make_folder(staging)
    files = {}
    for name, frame in tables.items():
        data = parquet_bytes(frame)
        files[name] = TableFile(file=f"{name}.parquet", rows=frame.height, bytes=len(data), sha256=sha256(data))
        write_whole(disk, staging / files[name].file, data)
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        app=night.app.app,
        as_of=night.as_of,
        revision=night.revision,
        generated_at=night.started_at,
        cut=night.cut,
        base_day=night.base_day,
        watermark=night.watermark,
        seed=night.seed,
        code_version=night.code_version,
        app_hash=night.app_hash,
        silent_from=night.silent_from,
        late=night.late,
        issued=night.issues,
        models=dict(models),
        tables=files,
    )
    write_whole(disk, staging / MANIFEST, _json(manifest))
    disk.sync(staging)
    return manifest


def _put_in_place(disk: Disk, staging: Path, folder: Path, manifest: Manifest) -> bool:
    """Give the staged night its name, unless it is out already; what is there but damaged makes room."""
    if folder.exists():
        if (folder / MANIFEST).exists() and _is_out(folder, manifest):
            disk.remove(staging)
            return False
        disk.move(folder, folder.with_name(f"{DAMAGED}{folder.name}"))
    disk.move(staging, folder)
    disk.sync(folder.parent)
    sweep(disk, folder.parent)
    return True


def _is_out(folder: Path, manifest: Manifest) -> bool:
    """Whether the folder holds this very night, whole."""
    if (folder / MANIFEST).read_bytes() == _json(manifest):
        return not damaged_files(folder, manifest)
    try:
        out = read_manifest(folder)
    except NightquestError:
        return False
    different = [name for name, table in manifest.tables.items() if out.tables.get(name) != table]
    raise NightquestError(
        f"The night of {manifest.as_of} (revision {manifest.revision}) is published with other content: "
        f"{', '.join(different) or 'its pins'} differ.",
        f"Publish a new revision: {command('nightly', '--as-of', manifest.as_of, '--refresh', app=manifest.app)}",
    )


def _point_latest(disk: Disk, home: Path, app: str) -> bool:
    """Let latest.json name the newest night out; publishing a past one does not move it back."""
    return point_at(published_nights(home, app)[-1][2], disk)


def point_at(folder: Path, disk: Disk | None = None) -> bool:
    """Let latest.json name a night of its app; False when it does already.

    Raises:
        NightquestError: The night's manifest cannot be read.
    """
    disk, manifest = disk or Disk(), read_manifest(folder)
    latest = _json(
        Latest(
            schema_version=manifest.schema_version,
            app=manifest.app,
            as_of=manifest.as_of,
            revision=manifest.revision,
            folder=folder.name,
            manifest_sha256=sha256((folder / MANIFEST).read_bytes()),
        )
    )
    path = folder.parent / LATEST
    if path.is_file() and path.read_bytes() == latest:
        return False
    write_whole(disk, path, latest)
    disk.sync(path.parent)
    return True


def sweep(disk: Disk, root: Path) -> None:
    """Remove what a killed run left."""
    if not root.is_dir():
        return
    for path in sorted(root.iterdir()):
        if path.name.startswith((STAGING, DAMAGED)) or path.name == f"{LATEST}.part":
            disk.remove(path)


def _json(model: Manifest | Latest) -> bytes:
    return f"{model.model_dump_json(indent=2)}\n".encode()


def _explained(error: OSError, night: Night, root: Path) -> NightquestError:
    again = f"run again: {command('nightly', '--as-of', night.as_of, app=night.app.app)}"
    if error.errno in DISK_FULL:
        return NightquestError(
            f"The disk is full; the night of {night.as_of} is not out and readers keep the one before.",
            f"Free some space under {root}, then {again}",
            exit_code=3,
        )
    where = error.filename or root
    if error.errno in NOT_ALLOWED:
        return NightquestError(f"Cannot write {where}: permission denied.", "Give --home a folder you may write to.")
    return NightquestError(f"Cannot write {where}: {error.strerror or error}.", f"See to it, then {again}", exit_code=3)
