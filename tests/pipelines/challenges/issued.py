"""A challenge that a night has issued, and nights that look at what became of it."""

import datetime as dt
import uuid

import polars as pl

from data.warehouse import Warehouse
from pipelines.challenges.parts import PARTS
from pipelines.known import Known
from pipelines.pins import Night, day_start, make_night
from tests.factories import make_app

APP = make_app()


ISSUED = dt.date(2024, 1, 3)


def night_of(warehouse: Warehouse, as_of: dt.date, now: dt.datetime | None = None) -> Night:
    return make_night(warehouse, APP, as_of, now or day_start(APP, as_of))


def issue(
    warehouse: Warehouse, *, target: float = 2, days: int = 2, status: str = "published", slot: int = 1, also=None
) -> str:
    content_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{target}/{days}/{slot}"))
    night = make_night(warehouse, APP, ISSUED, day_start(APP, ISSUED))
    names = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
    pins = {name: getattr(night, name) for name in names}
    warehouse.append("nights", pl.DataFrame([{**pins, "status": status}]), on_conflict_skip=True)
    words = dict.fromkeys(
        (
            "persona",
            "title",
            "description",
            "brief_id",
            "ai_provider",
            "model",
            "prompt_version",
            "variant",
            "language",
        ),
        "x",
    )
    numbers = {
        "completion_probability": 0.5,
        "probability_if_active": 0.5,
        "personalization_score": 0.5,
        "propensity": 1.0,
    }
    row = {
        **words,
        **numbers,
        "content_id": content_id,
        "as_of": ISSUED,
        "revision": 1,
        "player_key": 1,
        "slot": slot,
        "content_type": "daily_challenge",
        "metric": "solved",
        "op": ">=",
        "target": float(target),
        "window_days": days,
        "xp": 40,
        "difficulty_level": 5,
        "estimated_minutes": 5,
        "valid_from": ISSUED,
        "valid_until": ISSUED + dt.timedelta(days=days - 1),
        "generated_at": night.started_at,
        "also": also,
    }
    warehouse.append("challenges", pl.DataFrame([row], schema_overrides={"also": PARTS}))
    return content_id


def seen(warehouse: Warehouse, day: int) -> Known:
    return Known(warehouse, night_of(warehouse, dt.date(2024, 1, day)))
