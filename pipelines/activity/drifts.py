"""What was told of deliveries that looked otherwise than those before, read back; a look needs nothing that is slow."""

import datetime as dt

from data.warehouse import Warehouse


def drift_since(warehouse: Warehouse, since: dt.datetime | None, until: dt.datetime) -> list[str]:
    """What was told of deliveries that came after a moment and by another, the newest last; each once."""
    rows = warehouse.rows(
        """SELECT told FROM drifts WHERE noted_at <= $until AND ($since::TIMESTAMPTZ IS NULL OR noted_at > $since)
           GROUP BY told ORDER BY max(noted_at), told""",
        {"since": since, "until": until},
    )
    return [told for (told,) in rows]
