"""A second folder: another disk, or one of another machine that is mounted here. It has the layout of `published/`.

A night is staged beside its place and moved there whole, latest.json last, so that a reader there, too, sees a whole
night or the one before.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from configs.errors import NightquestError
from pipelines.publish.disk import Disk, stream_whole
from pipelines.publish.erase_nights import take_out_published
from pipelines.publish.publish import DAMAGED, STAGING, point_at, sweep
from pipelines.publish.published import MANIFEST, Published, damaged_files, nights_in
from pipelines.publish.sinks import Options

OPTIONS = {"to": "the folder that gets a folder for each app"}


def deliver(night: Published, options: Options) -> str:
    """Copy a night and let latest.json there name the newest; returns where it lies.

    Raises:
        NightquestError: The folder is not there, is the home's own, or has another night of that name.
    """
    to, disk = Path(options["to"]).expanduser(), Disk()
    if not to.is_dir():  # an empty place where nothing is mounted must not be filled
        raise NightquestError(f"The folder {to} is not there.", "Make it, or mount what belongs there.")
    root = to / night.manifest.app
    if root.resolve() == night.folder.parent.resolve():
        raise NightquestError(f"{root} is where the night lies already.", "Give another folder.")
    disk.make_folder(root)
    sweep(disk, root)
    place = root / night.folder.name
    if not _lies_there(night, place):
        _copy(disk, night, place)
    point_at(nights_in(root)[-1][2], disk)
    return str(place)


def erase(app: str, user_id: str, _nights: Sequence[Published], options: Options) -> str:
    """Write the nights there anew without a person; returns how many rows went.

    Raises:
        NightquestError: The folder is not there.
    """
    to = Path(options["to"]).expanduser()
    if not to.is_dir():
        raise NightquestError(f"The folder {to} is not there.", "Mount what belongs there.")
    return f"{take_out_published(to / app, user_id)} rows taken out of {to / app}"


def _lies_there(night: Published, place: Path) -> bool:
    manifest = place / MANIFEST
    if not manifest.is_file():
        return False
    if manifest.read_bytes() != (night.folder / MANIFEST).read_bytes():
        raise NightquestError(f"{place} holds another night of that name.", "Move it away, or give another folder.")
    return not damaged_files(place, night.manifest)


def _copy(disk: Disk, night: Published, place: Path) -> None:
    staging = place.with_name(f"{STAGING}{place.name}")
    disk.make_folder(staging)
    for name in (*(table.file for table in night.manifest.tables.values()), MANIFEST):
        with (night.folder / name).open("rb") as file:
            stream_whole(disk, staging / name, partial(shutil.copyfileobj, file))
    disk.sync(staging)
    if place.exists():
        disk.move(place, place.with_name(f"{DAMAGED}{place.name}"))
    disk.move(staging, place)
    disk.sync(place.parent)
    sweep(disk, place.parent)
