"""What a night asks of very many players of the trading app, drawn at random in the proportions of a real night."""

import datetime as dt

import numpy as np
import polars as pl

from configs.app import App

MESSAGE = 1.0  # share of the players who get a message beside their challenges
AWAY, WITHOUT = 0.1, 0.05  # shares of the messages: come back, and no target is left
PERSONAS = (0.18, 0.24, 0.15, 0.28, 0.15)  # shares, in the order of the app file
USUAL = {  # what is asked of a metric for three days
    "protected_trades": 5, "stops_set": 5, "journal_entries": 3, "lessons": 3, "lesson_minutes": 50,
    "strong_lessons": 2, "drills": 7, "drill_minutes": 40, "best_drill_score": 600, "drill_modes": 3,
    "squad_messages": 5, "mates_helped": 2, "days_active": 2,
}  # fmt: skip
_PERCENTILES = (25, 50, 75, 90, 95)


def draw_night(app: App, players: np.ndarray, day: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The challenges and messages of some players.

    Args:
        app: The trading app.
        players: Their keys; a player's persona follows from the key.
        day: Another day draws another night.

    Returns:
        The frames that `choose_words` takes.
    """
    draw = np.random.default_rng(day.toordinal())
    return _challenges(app, players, draw, day), _messages(app, players, draw, day)


def _challenges(app: App, players: np.ndarray, draw: np.random.Generator, day: dt.date) -> pl.DataFrame:
    """Each of another metric, near the app's wanted chance."""
    each = app.challenges.per_day
    rows = len(players) * each
    metrics = draw.random((len(players), len(app.challenges.metrics))).argsort(axis=1)[:, :each].ravel()
    windows = draw.choice(app.challenges.windows, rows, p=(0.45, 0.35, 0.2))
    level = np.clip(np.ceil(10 * (1 - draw.normal(app.challenges.target_probability, 0.12, rows))), 1, 10)
    keys = np.repeat(players, each)
    return pl.DataFrame(
        {
            "content_id": _ids("c", keys, np.tile(np.arange(each), len(players)), day),
            "player_key": keys,
            "content_type": pl.repeat("daily_challenge", rows, eager=True),
            "persona": _personas(app, keys),
            "metric": pl.Series(app.challenges.metrics, dtype=pl.String).gather(metrics),
            "target": _amounts(app, metrics, windows / 3, draw),
            "window_days": windows.astype(np.int32),
            "difficulty_level": level.astype(np.int32),
            "language": pl.repeat(app.voice.languages[0], rows, eager=True),
        }
    )


def _messages(app: App, players: np.ndarray, draw: np.random.Generator, day: dt.date) -> pl.DataFrame:
    keys = players[draw.random(len(players)) < MESSAGE]
    kind = draw.random(len(keys))
    away, target = kind < AWAY, kind >= AWAY + WITHOUT
    metrics = draw.integers(0, len(app.challenges.metrics), len(keys))
    return (
        pl.DataFrame(
            {
                "content_id": _ids("m", keys, np.zeros(len(keys), dtype=np.int64), day),
                "player_key": keys,
                "content_type": pl.Series(["motivational_message", "come_back_message"]).gather(away.astype(np.int64)),
                "persona": _personas(app, keys),
                "language": pl.repeat(app.voice.languages[0], len(keys), eager=True),
                "metric": pl.Series(app.challenges.metrics, dtype=pl.String).gather(metrics),
                "goal": _amounts(app, metrics, np.full(len(keys), 28 / 3), draw),
                "percentile": draw.choice(_PERCENTILES, len(keys)).astype(np.int32),
                "recency_days": np.where(away, draw.integers(2, 60, len(keys)), draw.integers(0, 7, len(keys))),
                "target": target,
            }
        )
        .with_columns(pl.when("target").then(pl.col(name)) for name in ("metric", "goal", "percentile"))
        .drop("target")
    )


def _amounts(app: App, metrics: np.ndarray, spans: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Whole numbers around what is usual; best scores do not grow with the days, days do not go beyond them."""
    usual = np.array([USUAL[name] for name in app.challenges.metrics], dtype=float)[metrics]
    grows = np.array([app.metrics[name].agg in {"count", "sum"} for name in app.challenges.metrics])[metrics]
    drawn = usual * np.where(grows, spans, 1) * draw.lognormal(0, np.where(grows, 0.5, 0.15))
    days = np.array([app.metrics[name].agg == "days" for name in app.challenges.metrics])[metrics]
    amounts: np.ndarray = np.where(
        days, np.clip(np.round(drawn), 1, np.ceil(spans * 3)), np.maximum(1, np.round(drawn))
    )
    return amounts


def _personas(app: App, keys: np.ndarray) -> pl.Series:
    share = (keys * 2_654_435_761 % 2**32) / 2**32
    return pl.Series(list(app.personas), dtype=pl.String).gather(np.searchsorted(np.cumsum(PERSONAS)[:-1], share))


def _ids(kind: str, keys: np.ndarray, slots: np.ndarray, day: dt.date) -> pl.Series:
    """Texts as long as UUIDs."""
    rows = pl.DataFrame({"player": keys, "slot": slots})
    number = pl.col("player").cast(pl.String).str.zfill(12)
    return rows.select(pl.format("{}-{}-{}-0123456789", pl.lit(f"{day}-{kind}"), "slot", number)).to_series()
