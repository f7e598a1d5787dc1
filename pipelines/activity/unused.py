"""What was just taken in and changes nothing: it is kept, counted and named, since somebody sent it for a purpose."""

from configs.app import App
from data.warehouse import Warehouse


def find_unused(warehouse: Warehouse, app: App) -> dict[str, int]:
    """How many of those that `landed` shows have no effect, by what they are and why.

    Those are decisions on badges that the app does not have, answers to content that the player was not given, and
    values that the app file neither declares nor measures.
    """
    found = warehouse.frame(
        warehouse.fixed("activity/unused_events"), {"badges": list(app.badges), "without_value": _without_value(app)}
    )
    return dict(found.iter_rows())


def _without_value(app: App) -> list[str]:
    """Events whose own value nothing asks for."""
    measured = {
        event
        for metric in app.metrics.values()
        if metric.of == "value" or "value" in (metric.where or "")
        for event in metric.events or app.active_events
    }
    shown = {event for badge in app.badges.values() if badge.judged for event in badge.judged.events or app.events}
    return [name for name, event in app.events.items() if event.value is None and name not in measured | shown]
