"""Reading what was published: the manifest of a night, the newest night, and whether its files are whole."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from configs.commands import command
from configs.errors import NightquestError

FOLDER = r"^(\d{4}-\d{2}-\d{2})(?:\.r([1-9]\d*))?$"
MANIFEST = "manifest.json"
LATEST = "latest.json"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TableFile(_Part):
    """One Parquet file of a night."""

    file: str = Field(pattern=r"^[a-z_]+\.parquet$")
    rows: int
    bytes: int
    sha256: Sha256


class Manifest(_Part):
    """What a night consists of and the pins it was made from; no time of writing, so that a rerun gives the same.

    Attributes:
        silent_from: The first day of its newest input that is missing, as far as can be told; null when none is.
        late: It was made when later nights were out already.
        issued: Its promises count; otherwise it is there to be looked at and nothing in it is ever paid.
        models: Which registered version of each model had a part, as `<name>/<version>`, or which fallback.
    """

    schema_version: int
    app: str
    as_of: dt.date
    revision: int
    generated_at: AwareDatetime
    cut: AwareDatetime
    base_day: dt.date
    watermark: int
    seed: int
    code_version: str
    app_hash: str
    silent_from: dt.date | None = None
    late: bool = False
    issued: bool = True
    models: dict[str, str] = {}
    tables: dict[str, TableFile]


class Latest(_Part):
    """The pointer that moves last: which folder holds the newest night."""

    schema_version: int
    app: str
    as_of: dt.date
    revision: int
    folder: str = Field(pattern=FOLDER)
    manifest_sha256: Sha256


@dataclass(frozen=True)
class Published:
    """One published night. Its folder never changes, so a reader that has it keeps a whole night."""

    folder: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The same for the same night whenever it is looked at, and another for every other: app, folder, content."""
        content = sha256((self.folder / MANIFEST).read_bytes())[:16]
        return f"{self.manifest.app}/{self.folder.name}/{content}"

    def table(self, name: str) -> pl.DataFrame:
        """All rows of one table."""
        return pl.read_parquet(self.folder / self.manifest.tables[name].file, glob=False)

    def scan(self, name: str) -> pl.LazyFrame:
        """One table, of which nothing is read before it is asked for."""
        return pl.scan_parquet(self.folder / self.manifest.tables[name].file, glob=False)

    def parts(self, name: str, rows: int) -> Iterator[pl.DataFrame]:
        """The rows of one table in their order, at most so many at one time: memory does not grow with the table."""
        import pyarrow as pa  # noqa: PLC0415 (half a second that commands which only look need not wait)
        import pyarrow.parquet as pq  # noqa: PLC0415

        with pq.ParquetFile(self.folder / self.manifest.tables[name].file) as file:
            for batch in file.iter_batches(batch_size=rows):
                yield pl.DataFrame(pa.Table.from_batches([batch]))

    def rows_of(self, name: str, user_id: str) -> pl.DataFrame:
        """One player's rows of a table."""
        return self.scan(name).filter(pl.col("user_id") == user_id).collect()


def count_rows(rows: pl.LazyFrame) -> int:
    """How many rows these are, no more of which are read than it takes."""
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def published_root(home: Path, app: str) -> Path:
    """The folder that holds an app's published nights."""
    return home / "published" / app


def folder_name(as_of: dt.date, revision: int) -> str:
    """`2024-03-01` for the first revision, `2024-03-01.r2` for the second: a published folder is never replaced."""
    return f"{as_of}" if revision == 1 else f"{as_of}.r{revision}"


def is_a_night(path: Path) -> bool:
    """Whether a path is a folder with a night's name."""
    return path.is_dir() and re.match(FOLDER, path.name) is not None


def published_nights(home: Path, app: str) -> list[tuple[dt.date, int, Path]]:
    """(as_of, revision, folder) of every night out, oldest first."""
    return nights_in(published_root(home, app))


def nights_in(root: Path) -> list[tuple[dt.date, int, Path]]:
    """(as_of, revision, folder) of every night in a folder of nights, oldest first."""
    named = [(re.match(FOLDER, path.name), path) for path in root.iterdir()] if root.is_dir() else []
    nights = [
        (dt.date.fromisoformat(name[1]), int(name[2] or 1), path)
        for name, path in named
        if name and (path / MANIFEST).is_file()
    ]
    return sorted(nights)


def previous_night(home: Path, app: str, as_of: dt.date) -> Published | None:
    """The newest night out that serves a day before `as_of`, in its newest revision."""
    return next(iter(past_nights(home, app, as_of, 1)), None)


def past_nights(home: Path, app: str, as_of: dt.date, most: int) -> list[Published]:
    """The nights out that serve a day before `as_of`, each in its newest revision, newest first, at most so many."""
    newest = {day: folder for day, _, folder in published_nights(home, app) if day < as_of}
    return [Published(newest[day], read_manifest(newest[day])) for day in sorted(newest, reverse=True)[:most]]


def read_latest(home: Path, app: str) -> Published:
    """The newest night out, its checksums verified.

    Raises:
        NightquestError: Nothing is published, or a file is missing or damaged.
    """
    root = published_root(home, app)
    try:
        latest = Latest.model_validate_json((root / LATEST).read_bytes())
    except FileNotFoundError:
        raise NightquestError(f"Nothing is published for '{app}' yet.", f"Run: {command('nightly', app=app)}") from None
    except ValidationError:
        raise _damaged(root / LATEST, app, "it does not say which folder holds the newest night") from None
    manifest = root / latest.folder / MANIFEST
    if not manifest.is_file() or sha256(manifest.read_bytes()) != latest.manifest_sha256:
        raise _damaged(manifest, app, f"it is not the manifest that {LATEST} names")
    return _verified(root / latest.folder, app)


def verify_published(home: Path, app: str, as_of: dt.date) -> Published:
    """The newest revision of the night serving `as_of`, its checksums verified.

    Raises:
        NightquestError: That night is not published, or a file is missing or damaged.
    """
    folders = [folder for day, _, folder in published_nights(home, app) if day == as_of]
    if not folders:
        raise NightquestError(
            f"The night of {as_of} is not published for '{app}'.",
            f"Run: {command('nightly', '--as-of', as_of, app=app)}",
        )
    return _verified(folders[-1], app)


def read_night(home: Path, app: str, as_of: dt.date | None = None) -> Published:
    """The newest night out, or the newest revision of the one that serves a day; its checksums verified.

    Raises:
        NightquestError: There is none, or a file is missing or damaged.
    """
    return read_latest(home, app) if as_of is None else verify_published(home, app, as_of)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a published folder.

    Raises:
        NightquestError: It is missing or cannot be read.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise _damaged(path, folder.parent.name, "it cannot be read as a manifest") from None


def damaged_files(folder: Path, manifest: Manifest) -> list[str]:
    """Names of the night's files that are missing or are not what the manifest says."""
    return [table.file for table in manifest.tables.values() if not _is_whole(folder / table.file, table)]


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _is_whole(path: Path, table: TableFile) -> bool:
    if not path.is_file() or path.stat().st_size != table.bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == table.sha256


def _verified(folder: Path, app: str) -> Published:
    manifest = read_manifest(folder)
    if damaged := damaged_files(folder, manifest):
        raise _damaged(folder / damaged[0], app, "its checksum differs from the manifest's")
    return Published(folder, manifest)


def _damaged(path: Path, app: str, why: str) -> NightquestError:
    night = re.match(FOLDER, path.parent.name)
    again = command("nightly", *(["--as-of", night[1]] if night else []), app=app)
    return NightquestError(f"{path} is damaged: {why}.", f"Publish it again: {again}")
