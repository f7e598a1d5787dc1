"""An app with rewards of every kind, and promises that a night might make."""

import datetime as dt
import uuid
from typing import Any

import polars as pl

from configs.app import App
from tests.factories import make_app

AS_OF = dt.date(2024, 3, 4)  # a Monday


def app_with(tables: dict[str, Any], **rewards: Any) -> App:
    """The toy app with these tables; points gem, title sage, unlock garden, badge star."""
    return make_app(
        badges={"star": {"title": "Star", "tier": "gold", "category": "luck"}} if "star" in str(tables) else {},
        rewards={
            "points": {"gem": {"unit": "gem"}},
            "titles": {"sage": "Sage"},
            "unlocks": {"garden": "the walled garden"},
            "tables": tables,
            **rewards,
        },
    )


def promises(players: int, per_player: int = 1, **changes: Any) -> pl.DataFrame:
    """Challenges of a night, as planned; keys from 1, chances and difficulties spread."""
    rows = [
        {
            "content_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{player}/{slot}")),
            "player_key": player,
            "slot": slot,
            "content_type": "daily_challenge",
            "language": "en",
            "window_days": 1,
            "difficulty_level": 1 + (player + slot) % 10,
            "estimated_minutes": None if player % 3 else 10 * slot,
            "completion_probability": 0.1 + 0.08 * (player % 10),
            "valid_from": AS_OF,
            "valid_until": AS_OF,
            "xp": 40,
            **changes,
        }
        for player in range(1, players + 1)
        for slot in range(1, per_player + 1)
    ]
    numbers = {"slot": pl.Int32, "difficulty_level": pl.Int32, "estimated_minutes": pl.Int32, "xp": pl.Int32}
    return pl.DataFrame(rows, schema_overrides=numbers)


def everybody(challenges: pl.DataFrame) -> pl.DataFrame:
    """player_key and user_id of whom the challenges are for."""
    keys = challenges.select("player_key").unique(maintain_order=True)
    return keys.with_columns(user_id=pl.format("user{}", "player_key"))


NO_GOALS = pl.DataFrame()
