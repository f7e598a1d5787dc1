"""Publish a night whole: what is staged moves into place, then latest.json moves.

A published folder is never changed or replaced: the first revision of a night is `<as_of>`, the second `<as_of>.r2`.
A reader that follows latest.json sees a whole night, the one before or this one. Killed anywhere and run again it ends
the same. One process at a time publishes an app: the one that has its warehouse open for writing.
"""

import datetime as dt
import errno
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from configs.commands import command
from configs.errors import NightquestError
from configs.full_disk import full_disk, is_full
from pipelines.publish.audit import AuditReport
from pipelines.publish.disk import Disk, write_whole
from pipelines.publish.published import (
    LATEST,
    MANIFEST,
    Latest,
    Manifest,
    Published,
    damaged_files,
    folder_name,
    published_nights,
    published_root,
    read_manifest,
    sha256,
)

STAGING = ".staging-"
DAMAGED = ".damaged-"
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Publication:
    """Where a night is, and whether this run put it there."""

    folder: Path
    changed: bool


def publish_night(staged: Published, home: Path, report: AuditReport, disk: Disk | None = None) -> Publication:
    """Publish an audited night under `<home>/published/<app>/`.

    Where the disk fails, what is staged stays, so that it can be tried again; a night that is refused is removed.

    Args:
        staged: The night where no reader looks, see `stage.staged`.
        home: The folder that everything is written under.
        report: Of this night; one that it refuses is not published.
        disk: What writes; the real file system by default.

    Returns:
        The night's folder; `changed` is False when it was out already with the same content.

    Raises:
        NightquestError: The audit failed; the night is out with other content; the disk is full or may not be written.
    """
    disk, manifest = disk or Disk(), staged.manifest
    folder = published_root(home, manifest.app) / folder_name(manifest.as_of, manifest.revision)
    try:
        report.require()
        placed = _put_in_place(disk, staged.folder, folder, manifest)
        moved = _point_latest(disk, home, manifest.app)
    except OSError as error:
        raise explained(error, manifest.app, manifest.as_of, folder.parent) from error
    except NightquestError:
        with suppress(OSError):
            sweep(disk, folder.parent)
        raise
    return Publication(folder, changed=placed or moved)


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
    if (folder / MANIFEST).read_bytes() == as_json(manifest):
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
    latest = as_json(
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


def as_json(model: Manifest | Latest) -> bytes:
    """A manifest or pointer as its file has it."""
    return f"{model.model_dump_json(indent=2)}\n".encode()


def explained(error: OSError, app: str, as_of: dt.date, root: Path) -> NightquestError:
    """The error to raise when a night cannot be written: what is wrong with the disk, and what to do."""
    again = f"run again: {command('nightly', '--as-of', as_of, app=app)}"
    if is_full(error):
        what = f"the night of {as_of} is not out, and readers keep the one before"
        return full_disk(error, what, root, f"{again}; nothing was lost.")
    where = error.filename or root
    if error.errno in NOT_ALLOWED:
        return NightquestError(f"Cannot write {where}: permission denied.", "Give --home a folder you may write to.")
    return NightquestError(f"Cannot write {where}: {error.strerror or error}.", f"See to it, then {again}", exit_code=3)
