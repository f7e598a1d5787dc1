"""The contracts of what comes in: the columns a file may have, and the checked frames that go on to the warehouse.

A delivered row first becomes text by column (`*_COLUMNS`), is then typed and judged by SQL, and must satisfy
`EVENTS_IN` or `PLAYERS_IN` before it is appended. Rows that do not are quarantined with a reason; nothing is dropped in
silence.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

import pandera.polars as pa
import polars as pl

from configs.app import App, Event, Property

TIME = pl.Datetime("us", "UTC")
EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)  # an app file may name a later day
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

MAY_LACK = ("reason", "citation")  # of a person's decision on a badge
_DECISION = {name: Property(type="text") for name in ("badge_id", *MAY_LACK)}

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
        "nightquest.awarded": Event(title="Badge given", active=False, properties=_DECISION),
        "nightquest.refused": Event(title="Badge refused", active=False, properties=_DECISION),
    }
)


def accepted_events(app: App) -> dict[str, Event]:
    """The events that a delivery for this app may hold: its own and the reserved ones."""
    return {**app.events, **RESERVED_EVENTS}


def _id(*, nullable: bool = False) -> pa.Column:
    return pa.Column(pl.String(), pa.Check.str_length(1, MAX_ID_LENGTH), nullable=nullable)


_MOMENT = pa.Check.ge(EARLIEST)
_LINE = pa.Column(pl.Int64(), pa.Check.ge(1))

EVENTS_IN = pa.DataFrameSchema(
    {
        "line": _LINE,
        "event_id": _id(nullable=True),
        "user_id": _id(),
        "event": pa.Column(pl.String(), pa.Check.str_length(min_value=1)),
        "occurred_at": pa.Column(TIME, _MOMENT),
        "sequence": pa.Column(pl.Int64()),
        "value": pa.Column(pl.Float64(), nullable=True),
        "properties": pa.Column(pl.String(), nullable=True),
        "delivery_id": pa.Column(pl.String()),
        "content": pa.Column(pl.String(), pa.Check.str_length(32, 32)),
        "content_hash": pa.Column(pl.UInt64()),
        "raw": pa.Column(pl.String(), nullable=True),
    },
    strict=True,
    ordered=True,
    name="events in",
)
PLAYERS_IN = pa.DataFrameSchema(
    {
        "line": _LINE,
        "user_id": _id(),
        "recorded_at": pa.Column(TIME, _MOMENT),
        "timezone": pa.Column(pl.String(), nullable=True),
        "language": pa.Column(pl.String(), nullable=True),
        "born_on": pa.Column(pl.Date(), nullable=True),
        "joined_at": pa.Column(TIME, _MOMENT, nullable=True),
        "opted_out": pa.Column(pl.Boolean(), nullable=True),
        "attributes": pa.Column(pl.String(), nullable=True),
        "delivery_id": pa.Column(pl.String()),
        "raw": pa.Column(pl.String(), nullable=True),
    },
    strict=True,
    ordered=True,
    name="players in",
)
