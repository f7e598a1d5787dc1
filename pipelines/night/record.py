"""What a night leaves in MLflow."""

from configs.settings import Settings
from models.tracking.night_page import NightPage, Past
from models.tracking.writing import WritingReport, record_writing
from pipelines.night.open_night import Tonight
from pipelines.night.words import Words
from pipelines.reports import NightReport
from pipelines.stores import open_registry
from pipelines.words.report import report_writing
from pipelines.words.writers.crew import Crew

SERIES = ("promised", "ended_promised", "ended_kept")
TOLD_NIGHTS = 90


def describe(tonight: Tonight, crew: Crew, words: Words) -> WritingReport:
    """What the night's writing leaves for people to look at."""
    return report_writing(tonight.warehouse, tonight.night, crew, words, tonight.wants)


def recall(tonight: Tonight) -> Past:
    """What the nights that were out before said they would keep, and what was kept: the curve behind a night's own."""
    columns = ", ".join(f"CAST(figures->>'$.{name}' AS DOUBLE)" for name in SERIES)
    rows = tonight.warehouse.rows(
        f"""SELECT as_of, {columns} FROM nights WHERE status = 'published' AND as_of < $d
            QUALIFY row_number() OVER (PARTITION BY as_of ORDER BY revision DESC) = 1
            ORDER BY as_of DESC LIMIT {TOLD_NIGHTS}""",
        {"d": tonight.night.as_of},
    )
    return {day: {k: v for k, v in zip(SERIES, values, strict=True) if v is not None} for day, *values in rows}


def record(
    settings: Settings,
    app: str,
    report: NightReport,
    writing: WritingReport,
    past: Past | None = None,
    run_url: str | None = None,
) -> None:
    """One MLflow run for the night with its figures, and one for its writing.

    Args:
        settings: Where MLflow is.
        app: The app's name.
        report: The night's.
        writing: What its words left to look at.
        past: From `recall`.
        run_url: Where Prefect shows the run that made the night.
    """
    numbers = {name: float(value) for name, value in report.figures.items() if isinstance(value, int | float)}
    registry = open_registry(settings)
    models = report.figures.get("models", {})
    revision, folder = report.figures["revision"], report.path.relative_to(settings.home)
    registry.record_night(app, report.as_of, numbers, NightPage(str(folder), models, run_url), past, revision=revision)
    record_writing(registry.tracking, app, report.as_of, writing)
