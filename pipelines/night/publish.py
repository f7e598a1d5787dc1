"""The audited night where the app reads it."""

from pipelines.night.figures import mark_night
from pipelines.night.issue import Issued
from pipelines.night.late import late_note
from pipelines.night.notes import (
    days_note,
    drift_note,
    freshness_note,
    metrics_note,
    quiet_note,
    revoked_note,
    types_note,
)
from pipelines.night.open_night import Tonight
from pipelines.night.pinned_file import file_note
from pipelines.publish.medals import write_medals
from pipelines.publish.publish import publish_night
from pipelines.reports import NightReport


def publish(tonight: Tonight, issued: Issued, notes: tuple[str, ...]) -> NightReport:
    """Put the night where the app reads it, whole, and write down that it is out."""
    night = tonight.night
    publication = publish_night(issued.staged, tonight.settings.home, issued.audit)
    if night.app.medals:
        write_medals(tonight.settings.home, night.app)
    notes = (
        *freshness_note(tonight.known),
        *days_note(tonight.known),
        *file_note(night, tonight.today),
        *late_note(tonight.known),
        *quiet_note(issued.quiet),
        *drift_note(tonight.known),
        *revoked_note(tonight.known),
        *metrics_note(tonight.known),
        *types_note(night),
        *notes,
    )
    figures = issued.figures | {"notes": list(notes)}
    mark_night(tonight.known, "published" if night.issues else "unissued", figures)
    return NightReport(night.as_of, figures, publication.folder, unchanged=not publication.changed, notes=notes)
