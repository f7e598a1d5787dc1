"""The app file and the wishes that a night was pinned with, kept whole: a rerun makes the night that was begun."""

import hashlib
from dataclasses import dataclass

import polars as pl
from pydantic import TypeAdapter, ValidationError

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp
from data.warehouse import Warehouse
from pipelines.pins import Night
from pipelines.words.wishes import Wishes

_WISHES = TypeAdapter(Wishes)


@dataclass(frozen=True)
class PinnedFile:
    """What a night is made of beside its data.

    Attributes:
        app: As its file says.
        file_hash: Of that file and its source.
        wishes: What was asked for beyond it.
    """

    app: App
    file_hash: str
    wishes: Wishes

    @property
    def applied(self) -> App:
        """The app with what was wished.

        Raises:
            NightquestError: The app cannot have the wished types.
        """
        return self.wishes.applied(self.app)

    @property
    def hash(self) -> str:
        """Of the file and every wish; the file's own where nothing was wished."""
        wished = _told(self.wishes)
        if wished == "{}":
            return self.file_hash
        return hashlib.sha256(f"{self.file_hash} {wished}".encode()).hexdigest()[:16]

    @classmethod
    def of_today(cls, loaded: LoadedApp, wishes: Wishes) -> "PinnedFile":
        """The app file as it is now, and what is asked for now."""
        return cls(loaded.app, loaded.hash, wishes)


def file_for(warehouse: Warehouse, today: PinnedFile, night: dict[str, object] | None) -> PinnedFile:
    """What a night is to be made of: a known one of what it was pinned with, any other of today's file.

    What is wished anew overrules what was wished then: it is the person who runs it again that says so.

    Args:
        warehouse: Knows the files that nights were pinned with.
        today: The app file as it is now, and what is asked for now.
        night: The row of a night that is run again, from `known_night`; None for a new one.

    Raises:
        NightquestError: The file is of another version of Nightquest.
    """
    if night is None or night["file_hash"] is None:
        return today
    kept = warehouse.value("SELECT app FROM app_files WHERE file_hash = $h", {"h": night["file_hash"]})
    if kept is None:
        return today
    try:
        app = today.app if night["file_hash"] == today.file_hash else App.model_validate_json(kept)
    except ValidationError:
        raise NightquestError(
            f"The night of {night['as_of']} was pinned with an app file that this version of Nightquest cannot read.",
            "To make it with today's file, run: "
            + command("nightly", "--as-of", night["as_of"], "--refresh", app=today.app.app),
        ) from None
    then = _WISHES.validate_json(str(night["wishes"] or "{}"))
    return PinnedFile(app, str(night["file_hash"]), today.wishes.over(then))


def keep_file(warehouse: Warehouse, file: PinnedFile, night: Night) -> None:
    """Write down what a night that is not out is made of."""
    whole = pl.DataFrame({"file_hash": [file.file_hash], "app": [file.app.model_dump_json(exclude_none=True)]})
    warehouse.append("app_files", whole, on_conflict_skip=True)
    warehouse.run(
        """UPDATE nights SET file_hash = $file, wishes = $wishes, app_hash = $hash, code_version = $code
           WHERE as_of = $d AND revision = $r AND status NOT IN ('published', 'unissued')""",
        {
            "file": file.file_hash,
            "wishes": _told(file.wishes),
            "hash": file.hash,
            "code": night.code_version,
            "d": night.as_of,
            "r": night.revision,
        },
    )


def file_note(night: Night, today: PinnedFile) -> tuple[str, ...]:
    """A sentence when a night is made of another app file, or of other wishes, than those of today."""
    if night.app_hash == today.hash:
        return ()
    what = "an app file that was edited since" if night.file_hash != today.file_hash else "other wishes"
    again = command("nightly", "--as-of", night.as_of, "--refresh", app=night.app.app)
    return (f"This night was pinned with {what}, and was made with those. To make it anew with today's, run: {again}",)


def _told(wishes: Wishes) -> str:
    return _WISHES.dump_json(wishes, exclude_defaults=True).decode()
