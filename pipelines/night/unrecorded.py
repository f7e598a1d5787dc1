"""What of a night is still to be written to MLflow: kept under home before it goes out, and taken away once recorded.

So a recording that was killed, or that MLflow refused, is made up for by the night run again, or by the next one.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from configs.errors import NightquestError
from configs.full_disk import is_full, why
from models.tracking.night_page import Past
from models.tracking.writing import WritingReport
from pipelines.night.open_night import UNRECORDED, Tonight
from pipelines.pins import OUT, Night
from pipelines.publish.disk import Disk, write_whole
from pipelines.publish.published import folder_name, published_root
from pipelines.reports import NightReport


@dataclass(frozen=True)
class Unrecorded:
    """A night that is still to be recorded.

    Attributes:
        writing: What its words left to look at.
        past: What the nights before promised and kept, by day.
        run_url: Where Prefect shows the run that made it.
    """

    writing: WritingReport
    past: Past = field(default_factory=dict)
    run_url: str | None = None


_ADAPTER = TypeAdapter(Unrecorded)


def keep(tonight: Tonight, writing: WritingReport, past: Past, run_url: str | None) -> None:
    """Keep what is to be recorded of a night that is about to go out."""
    disk, path = Disk(), _place(tonight.settings.home, tonight.night)
    disk.make_folder(path.parent)
    write_whole(disk, path, _ADAPTER.dump_json(Unrecorded(writing, past, run_url)))


def left_unrecorded(tonight: Tonight) -> Sequence[tuple[Path, NightReport, Unrecorded]]:
    """The nights of the app that are out and not recorded, oldest first, each with the file that keeps it.

    A file that another version wrote or that is damaged is taken away: its night is out all the same.
    """
    home, app, found = tonight.settings.home, tonight.night.app.app, []
    for path in sorted((home / UNRECORDED / app).glob("*.json")):
        as_of, revision = dt.date.fromisoformat(path.stem.partition(".r")[0]), int(path.stem.partition(".r")[2])
        row = tonight.known.frame(
            "SELECT status, figures FROM nights WHERE as_of = $d AND revision = $r", {"d": as_of, "r": revision}
        )
        if row.is_empty() or row["status"][0] not in OUT:
            continue
        try:
            kept = _ADAPTER.validate_json(path.read_bytes())
        except ValidationError:
            path.unlink()
            continue
        folder = published_root(home, app) / folder_name(as_of, revision)
        found.append((path, NightReport(as_of, json.loads(row["figures"][0]), folder, unchanged=True), kept))
    return found


def not_recorded(nights: Sequence[dt.date], error: Exception) -> str:
    """That nights are out and not in MLflow, why, and what helps, as a sentence."""
    which = f"night of {nights[0]} is" if len(nights) == 1 else f"nights of {nights[0]} to {nights[-1]} are"
    told = str(error) if isinstance(error, NightquestError) and not is_full(error) else f"{why(error)}."
    return f"The {which} out but not recorded in MLflow; the next night makes up for it. {told[:1].upper()}{told[1:]}"


def _place(home: Path, night: Night) -> Path:
    return home / UNRECORDED / night.app.app / f"{night.as_of}.r{night.revision}.json"
