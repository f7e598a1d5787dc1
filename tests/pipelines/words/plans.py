"""Plans and asks as the nights make them, with every app's own metrics."""

import datetime as dt
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import polars as pl

from configs.app import App
from configs.wording import metric_words
from pipelines.words.read_lately import Readings
from pipelines.words.write import choose_words

NIGHT = dt.date(2026, 5, 1)
_PERCENTILES = (25, 50, 75, 90, 95)


def write_words(app: App, *frames: pl.DataFrame | None, **given: Any) -> tuple[pl.DataFrame, ...]:
    """What `choose_words` chooses, filled in at once."""
    return tuple(rows.whole() for rows in choose_words(app, *frames, **given))


def read_from(read: pl.DataFrame, at_once: int = 1000) -> Readings:
    """The readings of a frame (player_key, variant), some rows after others."""

    def some(players: pl.Series) -> Iterator[pl.DataFrame]:
        rows = read.filter(pl.col("player_key").is_in(players.implode()))
        yield from rows.iter_slices(at_once)

    return some


def numbers(app: App, metric: str | None, text: str) -> list[str]:
    """The numbers of a text; one of a metric's unit is 1."""
    words = metric_words(app, metric) if metric else None
    told = re.sub(rf"\b[Oo]ne (?={re.escape(words.unit)}\b)", "1 ", text) if words and words.unit else text
    return re.findall(r"\d+(?:,\d{3})*", told)


def make_plan(app: App, players: int, *, per_player: int = 3, **fixed: object) -> pl.DataFrame:
    """Challenges of neighbouring players; `fixed` gives a column the same value in every row."""
    metrics, personas = app.challenges.metrics, list(app.personas) or ["PLAYER"]
    rows = []
    for player in range(players):
        for slot in range(per_player):
            turn = player + slot * (1 + player % (len(metrics) - 1))
            rows.append(
                {
                    "content_id": f"c{player}-{slot}",
                    "player_key": player,
                    "content_type": "daily_challenge",
                    "persona": personas[player * 7 % 11 % len(personas)],
                    "metric": metrics[turn % len(metrics)],
                    "target": float((1, 2, 5, 1250)[(player + slot) % 4]),
                    "window_days": app.challenges.windows[turn % len(app.challenges.windows)],
                    "difficulty_level": 1 + (player + slot) % 10,
                    "language": "en",
                }
                | fixed
            )
    return pl.DataFrame(rows)


def make_asks(app: App, players: int, **fixed: object) -> pl.DataFrame:
    """A message per player: a target, none, or a word to someone who is away."""
    metrics, personas = app.challenges.metrics, list(app.personas) or ["PLAYER"]
    rows = []
    for player, kind in zip(range(players), (i % 3 for i in count()), strict=False):
        target = kind == 0
        rows.append(
            {
                "content_id": f"m{player}",
                "player_key": player,
                "content_type": "come_back_message" if kind == 2 else "motivational_message",
                "persona": personas[player % len(personas)],
                "language": "en",
                "metric": metrics[player % len(metrics)] if target else None,
                "goal": float(1 + player % 40) if target else None,
                "percentile": _PERCENTILES[player % 5] if target else None,
                "recency_days": player % 60,
            }
            | fixed
        )
    schema = {"metric": pl.String, "goal": pl.Float64, "percentile": pl.Int32}
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)
