"""Read back what `drift.py` noted about deliveries; apart from it, since reading back needs no slow library."""

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
