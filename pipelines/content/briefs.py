"""Briefs: what the words of a night depend on, and nothing else. Players who share a brief share its texts."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.voice import voice_defaults

GRAMMAR_VERSION = "2"
# What a brief is made of. None of it is a player's own (no id, no name, no number, no free text), but for the profile.
BRIEF_KEYS = ("content_type", "persona", "metric", "difficulty", "language", "occasion", "writer", "profile")
# Texts per brief: more than a month of nights; twice that for a brief which many neighbours share.
TEXTS = 64
LARGE_SHARE = 1 / 8


@dataclass(frozen=True)
class Brief:
    """One row of the briefs frame.

    Attributes:
        brief_id: 16 hex digits of everything that makes it.
        metric: A metric's name, a badge's for a citation, or empty.
        difficulty: 'easy' (levels 1 to 3), 'fair', 'hard' (8 to 10), or empty.
        occasion: What else the words rest on; see `brief_keys`.
        variants: How many texts are wanted.
        writer: Provider, model and prompt version; empty for the offline writer.
        profile: JSON text about the one player whose own brief this is; empty for a brief of many.
    """

    brief_id: str
    content_type: str
    persona: str
    metric: str
    difficulty: str
    language: str
    occasion: str
    variants: int
    writer: str = ""
    profile: str = ""


def brief_keys(app: App, plan: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """content_id, player_key and the BRIEF_KEYS of every text that is wanted, challenges before messages.

    Occasion: for a motivational message 'target' or, without a next target, 'none'; for a come-back message the days
    away: 'days' under 7, 'weeks' under 28, else 'long'.
    """
    empty = pl.lit("")
    common = (
        *("content_id", "player_key", "content_type"),
        pl.col("persona").fill_null(""),
        pl.col("language").fill_null(app.voice.languages[0]),
        *(empty.alias(name) for name in ("writer", "profile")),
    )
    for_plan = plan.select(
        *common, "metric", difficulty_band(pl.col("difficulty_level")).alias("difficulty"), empty.alias("occasion")
    )
    motivating = pl.col("content_type") == "motivational_message"
    target = motivating & pl.all_horizontal(pl.col("metric", "goal", "percentile").is_not_null())
    aim = pl.when(target).then(pl.lit("target")).otherwise(pl.lit("none"))
    for_asks = asks.select(
        *common,
        pl.when(target).then(pl.col("metric").cast(pl.String)).otherwise(empty).alias("metric"),
        empty.alias("difficulty"),
        pl.when(motivating).then(aim).otherwise(_away_band(pl.col("recency_days"))).alias("occasion"),
    )
    types = pl.Schema({"content_id": pl.String(), "player_key": pl.Int64(), **dict.fromkeys(BRIEF_KEYS, pl.String())})
    return pl.concat([rows.select(types.names()).cast(types) for rows in (for_plan, for_asks)])


def group_briefs(app: App, keys: pl.DataFrame) -> pl.DataFrame:
    """The briefs of rows that carry the BRIEF_KEYS: a row each with the columns of `Brief`, ordered by brief_id."""
    groups = keys.group_by(BRIEF_KEYS).agg(pl.len().alias("rows"))
    large = pl.col("rows") >= LARGE_SHARE * pl.col("rows").sum()
    groups = groups.with_columns(
        pl.Series("brief_id", list(_brief_ids(app, groups)), dtype=pl.String),
        pl.when(large).then(2 * TEXTS).otherwise(TEXTS).cast(pl.Int64).alias("variants"),
    )
    return groups.select("brief_id", *BRIEF_KEYS, "variants").sort("brief_id")


def read_briefs(briefs: pl.DataFrame) -> Iterator[Brief]:
    """The rows of a briefs frame as objects."""
    for row in briefs.iter_rows(named=True):
        yield Brief(**row)


def difficulty_band(level: pl.Expr) -> pl.Expr:
    """'easy', 'fair' or 'hard'."""
    return pl.when(level <= 3).then(pl.lit("easy")).when(level <= 7).then(pl.lit("fair")).otherwise(pl.lit("hard"))


def prompt_version(app: App) -> str:
    """The grammar's version and a hash of every phrase it may use."""
    return f"grammar-{GRAMMAR_VERSION}-{_hash([app.voice.lexicon, voice_defaults().lexicon])[:8]}"


def first_text(brief_id: str, as_of: dt.date) -> int:
    """Where a brief's texts start on a night: one further each night."""
    return int(brief_id[:8], 16) + as_of.toordinal()


def _away_band(days: pl.Expr) -> pl.Expr:
    return pl.when(days < 7).then(pl.lit("days")).when(days < 28).then(pl.lit("weeks")).otherwise(pl.lit("long"))


def _brief_ids(app: App, groups: pl.DataFrame) -> Iterator[str]:
    """A hash of the keys and of everything in the app file that the words rest on."""
    voice, version = app.voice.model_dump(mode="json"), prompt_version(app)
    for row in groups.select(BRIEF_KEYS).iter_rows(named=True):
        parts = (app.metrics.get(row["metric"]), app.badges.get(row["metric"]), app.personas.get(row["persona"]))
        yield _hash([app.app, version, voice, row, [part and part.model_dump(mode="json") for part in parts]])[:16]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
