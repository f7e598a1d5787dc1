"""What a night leaves in MLflow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configs.settings import Settings
from models.tracking.night_page import NightPage, Past
from models.tracking.writing import WritingReport, record_writing
from pipelines.night.open_night import Tonight
from pipelines.night.unrecorded import Unrecorded
from pipelines.night.words import Words
from pipelines.night.writing_report import report_writing
from pipelines.reports import NightReport
from pipelines.stores import open_registry
from pipelines.words.writers.crew import Crew

if TYPE_CHECKING:
    from models.tracking.registry import Registry

SERIES = ("promised", "ended_promised", "ended_kept")
TOLD_NIGHTS = 90


def describe(tonight: Tonight, crew: Crew, words: Words) -> WritingReport:
    """What the night's writing leaves for people to look at."""
    return report_writing(tonight.known, crew, words, tonight.context)


def recall(tonight: Tonight) -> Past:
    """What the nights that were out before said they would keep, and what was kept: the curve behind a night's own."""
    columns = ", ".join(f"CAST(figures->>'$.{name}' AS DOUBLE)" for name in SERIES)
    rows = tonight.known.rows(
        f"""SELECT as_of, {columns} FROM nights WHERE status = 'published' AND as_of < $d
            QUALIFY row_number() OVER (PARTITION BY as_of ORDER BY revision DESC) = 1
            ORDER BY as_of DESC LIMIT {TOLD_NIGHTS}""",
        {"d": tonight.night.as_of},
    )
    return {day: {k: v for k, v in zip(SERIES, values, strict=True) if v is not None} for day, *values in rows}


def record(settings: Settings, app: str, due: Sequence[tuple[Path, NightReport, Unrecorded]]) -> int:
    """One MLflow run for each night with its figures, and one for its writing.

    Args:
        settings: Where MLflow is.
        app: The app's name.
        due: From `left_unrecorded`; each file is taken away once its night is recorded.

    Returns:
        How many nights were recorded.
    """
    if not due:
        return 0
    registry = open_registry(settings)
    for file, night, left in due:
        _record(registry, settings.home, app, night, left)
        file.unlink(missing_ok=True)
    return len(due)


def _record(registry: "Registry", home: Path, app: str, night: NightReport, left: Unrecorded) -> None:
    numbers = {name: float(value) for name, value in night.figures.items() if isinstance(value, int | float)}
    page = NightPage(str(night.path.relative_to(home)), night.figures.get("models", {}), left.run_url)
    registry.record_night(app, night.as_of, numbers, page, left.past, revision=night.figures["revision"])
    record_writing(registry.tracking, app, night.as_of, left.writing)
