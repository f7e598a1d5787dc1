"""A night's tables written where no reader looks, one after the other and a piece at a time.

What is audited and published is what lies there: no table of a night is ever in memory whole.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from configs.errors import NightquestError
from configs.full_disk import is_full
from data.contracts_out import SCHEMA_VERSION
from pipelines.pins import Night
from pipelines.publish.collect import NEEDED, Collected
from pipelines.publish.disk import Disk, write_whole
from pipelines.publish.parquet import write_table
from pipelines.publish.publish import STAGING, as_json, explained, sweep
from pipelines.publish.published import MANIFEST, Manifest, Published, TableFile, folder_name, published_root
from pipelines.publish.tables import table_faults

_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass(frozen=True)
class Staged:
    """A night where no reader looks.

    Attributes:
        night: Its folder and manifest.
        faults: A sentence for each table that is left out.
    """

    night: Published
    faults: tuple[str, ...] = ()


@contextmanager
def staged(
    tables: Iterable[Collected],
    night: Night,
    home: Path,
    disk: Disk | None = None,
    *,
    models: Mapping[str, str] | None = None,
) -> Iterator[Staged]:
    """Write a night's tables and manifest under `<home>/published/<app>/`; what fails inside the block removes them.

    A table that cannot be made costs itself alone, unless it is NEEDED.

    Args:
        tables: From `collect_tables`.
        night: Its pins go into the manifest; `generated_at` is its `started_at`.
        home: The folder that everything is written under.
        disk: What writes; the real file system by default.
        models: Which version of each model had a part, for the manifest.

    Raises:
        NightquestError: A table that is needed cannot be made; the disk is full or may not be written.
    """
    disk, root = disk or Disk(), published_root(home, night.app.app)
    try:
        try:
            disk.make_folder(root)
            sweep(disk, root)
            made = _stage(disk, root / f"{STAGING}{folder_name(night.as_of, night.revision)}", tables, night, models)
        except OSError as error:
            raise explained(error, night.app.app, night.as_of, root) from error
        yield made
    except Exception:
        with suppress(OSError):
            sweep(disk, root)
            root.rmdir()  # where no night is out yet; a folder with nights in it cannot be removed so
        raise


def _stage(
    disk: Disk, folder: Path, tables: Iterable[Collected], night: Night, models: Mapping[str, str] | None
) -> Staged:
    disk.make_folder(folder)
    files, faults = dict[str, TableFile](), list(table_faults())
    for table in tables:
        try:
            files[table.name] = write_table(disk, folder / f"{table.name}.parquet", table.pieces())
        except (NightquestError, OSError, MemoryError):
            raise  # no fault of its file
        except Exception as error:  # (whatever a table's file does wrong costs that table)
            if is_full(error):
                raise
            faults.append(f"The table {table.name} is not published: {type(error).__name__}: {error}.")
            if table.name in NEEDED:
                mend = f"Mend pipelines/publish/tables/{table.name}.py."
                raise NightquestError(faults[-1], mend, exit_code=1) from error
            _log.warning("%s", faults[-1], exc_info=error)
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
        models=dict(models or {}),
        tables=files,
    )
    write_whole(disk, folder / MANIFEST, as_json(manifest))
    disk.sync(folder)
    return Staged(Published(folder, manifest), tuple(faults))
