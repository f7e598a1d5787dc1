"""An experiment on the toy app: nights, assignments, what was shown, and what players then did."""

import datetime as dt
import json

import numpy as np
import polars as pl

from data.warehouse import Warehouse
from pipelines.experiments.arms import Arm, Trial, assign_arms, write_down
from pipelines.known import Known
from tests.factories import add_events
from tests.pipelines.publish.night_rows import APP, at, challenge
from tests.pipelines.publish.nights import make_night, put

FIRST = dt.date(2024, 1, 10)
DAY = dt.timedelta(days=1)
TRIAL = Trial("spring", (Arm("plain", "offline"), Arm("models", "openai", "next")))


def add_players(warehouse: Warehouse, players: int) -> pl.DataFrame:
    names = pl.DataFrame({"player_key": range(1, players + 1)}, schema={"player_key": pl.Int64}).with_columns(
        user_id=pl.format("user{}", "player_key")
    )
    warehouse.append("players", names, on_conflict_skip=True)
    return names


def open_night(warehouse: Warehouse, as_of: dt.date, status: str = "published") -> None:
    night = make_night(as_of)
    pins = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
    put(warehouse, "nights", {name: getattr(night, name) for name in pins} | {"status": status})


def play_experiment(
    warehouse: Warehouse,
    *,
    players: int,
    nights: int,
    trial: Trial = TRIAL,
    effect: float = 0.0,
    shows: float = 1.0,
    lost: float = 0.0,
    weights=None,
    seed: int = 1,
) -> pl.DataFrame:
    """Nights from FIRST on, the last of which settles and asks nothing; returns the assignments of the first.

    Args:
        warehouse: The toy app's.
        players: Each gets one challenge a night.
        nights: With content.
        trial: Its arms.
        effect: What the second arm adds to the chance of completing, and of coming back.
        shows: Chance that content is shown.
        lost: Chance that the second arm's `shown` never arrives.
        weights: By number of the night, when they move.
        seed: Of luck.
    """
    rng, names = np.random.default_rng(seed), add_players(warehouse, players)
    mood = dict(zip(names["player_key"], rng.beta(2, 4, players), strict=True))
    assigned = None
    for number in range(nights):
        as_of = FIRST + number * DAY
        tonight = trial.weighed(weights(number)) if weights else trial
        placed = assign_arms(warehouse, names, tonight)
        assigned = placed if assigned is None else assigned
        open_night(warehouse, as_of)
        write_down(Known(warehouse, make_night(as_of)), tonight, placed)
        _play_night(warehouse, as_of, placed, mood, rng, effect, shows, lost)
    open_night(warehouse, FIRST + nights * DAY)
    return assigned


def _play_night(warehouse, as_of, placed, mood, rng, effect, shows, lost) -> None:
    better = dict(placed.select("player_key", pl.col("arm") == TRIAL.arms[1].name).iter_rows())
    issued, settled, events = [], [], []
    for player, treated in better.items():
        row = challenge(player, 1, as_of, ai_provider="openai" if treated else "offline")
        issued.append(row)
        keen = mood[player] + effect * treated
        kept = rng.random() < keen
        settled.append(
            {
                "content_id": row["content_id"],
                "revision": 1,
                "player_key": player,
                "as_of": as_of + DAY,
                "state": "completed" if kept else "expired",
                "completed_at": at(as_of, 12) if kept else None,
                "event_id": "e" if kept else None,
                "progress": float(kept),
                "played": bool(kept),
                "xp": 40 * int(kept),
                "reason": "test",
            }
        )
        if rng.random() < shows and not (treated and rng.random() < lost):
            events.append(one_event(player, at(as_of, 8), "nightquest.shown", row["content_id"]))
            rating = float(rng.integers(2, 5) + treated)
            if rng.random() < 0.5:
                events.append(one_event(player, at(as_of, 9), "nightquest.rated", row["content_id"], rating))
        if rng.random() < keen:  # back on the day after
            events.append(one_event(player, at(as_of + DAY, 10), "solve", ""))
    put(warehouse, "challenges", *issued)
    put(warehouse, "settlements", *settled)
    add_events(warehouse, APP, events)


def one_event(player, moment, name, content_id, value=None) -> dict:
    return {
        "player_key": player,
        "event": name,
        "active": name == "solve",
        "occurred_at": moment,
        "sequence": 0,
        "value": value,
        "properties": json.dumps({"content_id": content_id} if content_id else {"points": 1}),
        "day": moment.date(),
        "local_hour": moment.hour,
        "available_at": moment,
        "delivery_id": "test",
        "content_hash": 0,
    }
