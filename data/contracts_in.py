"""The contracts of what comes in: the columns a file may have, and the events that every app has.

A delivered row first becomes text by column (`*_COLUMNS`), is then typed and judged by SQL, and must satisfy the tables
of `data/sql/activity/incoming.sql` before it is appended. Rows that do not are quarantined with a reason; nothing is
dropped in silence. The database holds this contract itself, since a command over one small file need not load what
checks frames.
"""

from collections.abc import Mapping
from types import MappingProxyType

from configs.app import App
from configs.metrics import Event, Property

MAX_ID_LENGTH = 256

# Column and whether a file must have it.
EVENT_COLUMNS: Mapping[str, bool] = MappingProxyType(
    {
        "event_id": False,
        "user_id": True,
        "event": True,
        "occurred_at": True,
        "sequence": False,
        "value": False,
        "properties": False,
        "retracts": False,
    }
)
PLAYER_COLUMNS: Mapping[str, bool] = MappingProxyType(
    {
        "user_id": True,
        "recorded_at": True,
        "timezone": False,
        "language": False,
        "born_on": False,
        "joined_at": False,
        "opted_out": False,
        "attributes": False,
    }
)
# Of the calendar: what is known ahead of time, for whom, and since when.
CALENDAR_COLUMNS: Mapping[str, bool] = MappingProxyType(
    {
        "title": True,
        "kind": True,
        "starts_on": True,
        "ends_on": False,
        "cohort": False,
        "attributes": False,
        "known_at": False,
    }
)

MAY_LACK = ("reason", "citation", "by", "days")  # of a person's decision on a badge; of a pause without an end
_DECISION = {name: Property(type="text") for name in ("badge_id", "reason", "citation", "by")}

# Events that close the loop; every app has them. None of them is play.
RESERVED_EVENTS: Mapping[str, Event] = MappingProxyType(
    {
        "nightquest.shown": Event(
            title="Content shown", active=False, properties={"content_id": Property(type="text")}
        ),
        "nightquest.rated": Event(
            title="Content rated",
            active=False,
            properties={"content_id": Property(type="text")},
            value=Property(type="number", min=1, max=5),
        ),
        "nightquest.dismissed": Event(
            title="Content dismissed", active=False, properties={"content_id": Property(type="text")}
        ),
        "nightquest.awarded": Event(title="Badge given", active=False, properties=_DECISION),
        "nightquest.refused": Event(title="Badge refused", active=False, properties=_DECISION),
        "nightquest.paused": Event(
            title="Player paused", active=False, properties={"days": Property(type="integer", min=1, max=3660)}
        ),
        "nightquest.resumed": Event(title="Player is back", active=False),
    }
)


def accepted_events(app: App) -> dict[str, Event]:
    """The events that a delivery for this app may hold: its own and the reserved ones."""
    return {**app.events, **RESERVED_EVENTS}
