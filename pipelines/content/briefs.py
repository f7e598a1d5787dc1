"""Briefs: what the words of a night depend on, and nothing else. Players who share a brief share its texts."""

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.voice import voice_defaults

GRAMMAR_VERSION = "1"
# What a brief is made of. None of it is a player's own: no id, no name, no number, no free text.
BRIEF_KEYS = ("content_type", "persona", "metric", "window", "difficulty", "language", "occasion")
MESSAGE_WINDOW_DAYS = 28
_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_MAX_OWN = 120


@dataclass(frozen=True)
class Brief:
    """One row of the briefs frame.

    Attributes:
        brief_id: 16 hex digits of everything that makes it.
        metric: A metric's name, a badge's for a citation, or empty.
        window: 'day', 'days' (2 to 6), 'week' (7 to 13), 'weeks', or empty.
        difficulty: 'easy' (levels 1 to 3), 'fair', 'hard' (8 to 10), or empty.
        occasion: What else the words rest on; see `make_briefs`.
        players: How many share it.
        variants: How many texts are wanted.
    """

    brief_id: str
    content_type: str
    persona: str
    metric: str
    window: str
    difficulty: str
    language: str
    occasion: str
    players: int
    variants: int


@dataclass(frozen=True)
class MetricWords:
    """A metric's words from the app file, made safe to stand in a text.

    Attributes:
        before: The task up to its goal: 'Post '.
        after: The task behind its goal: ' on other people's posts'.
    """

    before: str
    after: str
    label: str
    unit: str
    plural: str


def brief_keys(app: App, plan: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """content_id, player_key and the BRIEF_KEYS of every text that is wanted, challenges before messages.

    Occasion: for a motivational message the percentile of the next target ('low' to 25, 'middle' to 50, 'high' to 75, 'top'
    beyond) or 'none' without a target; for a come-back message the days away ('days' under 7, 'weeks' under 28, 'long').
    """
    empty = pl.lit("")
    for_plan = plan.select(
        *("content_id", "player_key", "content_type"),
        pl.col("persona").fill_null(""),
        "metric",
        window_band(pl.col("window_days")).alias("window"),
        difficulty_band(pl.col("difficulty_level")).alias("difficulty"),
        _language(app),
        empty.alias("occasion"),
    )
    target = pl.col("metric").is_not_null() & pl.col("goal").is_not_null() & pl.col("percentile").is_not_null()
    motivating = pl.col("content_type") == "motivational_message"
    for_asks = asks.select(
        *("content_id", "player_key", "content_type"),
        pl.col("persona").fill_null(""),
        pl.when(motivating & target).then("metric").otherwise(empty).alias("metric"),
        empty.alias("window"),
        empty.alias("difficulty"),
        _language(app),
        pl.when(motivating)
        .then(pl.when(target).then(_percentile_band(pl.col("percentile"))).otherwise(pl.lit("none")))
        .otherwise(_recency_band(pl.col("recency_days")))
        .alias("occasion"),
    )
    types = {"content_id": pl.String(), "player_key": pl.Int64(), **dict.fromkeys(BRIEF_KEYS, pl.String())}
    return pl.concat([for_plan.cast(pl.Schema(types)), for_asks.cast(pl.Schema(types))])


def make_briefs(app: App, plan: pl.DataFrame, asks: pl.DataFrame) -> pl.DataFrame:
    """Group what is wanted by what the words depend on.

    Args:
        app: Its voice, personas and metrics' words are part of every brief_id.
        plan: content_id, player_key, content_type, persona, metric, window_days, difficulty_level, language.
        asks: content_id, player_key, content_type, persona, metric, goal, percentile, recency_days, language.

    Returns:
        A row per brief with the columns of `Brief`, ordered by brief_id.
    """
    return group_briefs(app, brief_keys(app, plan, asks))


def group_briefs(app: App, keys: pl.DataFrame) -> pl.DataFrame:
    """The briefs of rows that carry the BRIEF_KEYS."""
    groups = keys.group_by(BRIEF_KEYS).agg(pl.len().cast(pl.Int64).alias("players"))
    groups = groups.with_columns(
        _wanted(pl.col("players"), pl.col("players").sum()).alias("variants"),
        pl.Series("brief_id", list(_brief_ids(app, groups)), dtype=pl.String),
    )
    return groups.select("brief_id", *BRIEF_KEYS, "players", "variants").sort("brief_id")


def read_briefs(briefs: pl.DataFrame) -> Iterator[Brief]:
    """The rows of a briefs frame as objects."""
    for row in briefs.iter_rows(named=True):
        yield Brief(**row)


def window_band(days: pl.Expr) -> pl.Expr:
    """'day', 'days', 'week' or 'weeks'."""
    bands = pl.when(days <= 1).then(pl.lit("day")).when(days < 7).then(pl.lit("days"))
    return bands.when(days < 14).then(pl.lit("week")).otherwise(pl.lit("weeks"))


def difficulty_band(level: pl.Expr) -> pl.Expr:
    """'easy', 'fair' or 'hard'."""
    return pl.when(level <= 3).then(pl.lit("easy")).when(level <= 7).then(pl.lit("fair")).otherwise(pl.lit("hard"))


def prompt_version(app: App) -> str:
    """The grammar's version and a hash of every phrase it may use."""
    phrases = [app.voice.lexicon, voice_defaults().lexicon]
    return f"grammar-{GRAMMAR_VERSION}-{_hash(phrases)[:8]}"


def metric_words(app: App, name: str) -> MetricWords | None:
    """The words of a metric, or None when the app has no such metric."""
    metric = app.metrics.get(name)
    if metric is None:
        return None
    before, slot, after = metric.task.partition("{goal}")
    unit, label = plain(metric.unit), plain(metric.label) or plain(metric.unit) or name.replace("_", " ")
    return MetricWords(
        before=plain(before, edges=False).lstrip() if slot else "",
        after=plain(after, edges=False).rstrip(". ") if slot else "",
        label=label,
        unit=unit,
        plural=plain(metric.plural) or (f"{unit}s" if unit[-1:].isalpha() else unit),
    )


def plain(text: str, *, edges: bool = True) -> str:
    """A string of the app file as harmless text: one line, no control characters, no braces, tags or backticks.

    Args:
        text: As the file has it.
        edges: Whether spaces at both ends go.
    """
    kept = "".join(
        " " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c) not in _DROPPED
    )
    kept = kept.translate(_HARMLESS)
    kept = " ".join(kept.split()) if edges else kept
    return kept[:_MAX_OWN]


_HARMLESS = str.maketrans({"{": "(", "}": ")", "<": "(", ">": ")", "`": "'"})


def _language(app: App) -> pl.Expr:
    return pl.col("language").fill_null(app.voice.languages[0]).alias("language")


def _percentile_band(percentile: pl.Expr) -> pl.Expr:
    bands = pl.when(percentile <= 25).then(pl.lit("low")).when(percentile <= 50).then(pl.lit("middle"))
    return bands.when(percentile <= 75).then(pl.lit("high")).otherwise(pl.lit("top"))


def _recency_band(days: pl.Expr) -> pl.Expr:
    return pl.when(days < 7).then(pl.lit("days")).when(days < 28).then(pl.lit("weeks")).otherwise(pl.lit("long"))


def _wanted(players: pl.Expr, every: pl.Expr) -> pl.Expr:
    """How many texts a brief wants: enough that of 100 players met at random hardly three read the same one.

    A power of two, no more than there are players (but 32, so that a month brings no repeat), at least 64 where that many
    share it, and up to 512 where the brief is a large part of the night.
    """
    enough = pl.max_horizontal(pl.lit(64.0), 4096 * players / every)
    return (2 ** pl.min_horizontal(players.cast(pl.Float64), enough).log(2).ceil()).clip(32, 512).cast(pl.Int64)


def _brief_ids(app: App, groups: pl.DataFrame) -> Iterator[str]:
    voice = app.voice.model_dump(mode="json")
    version = prompt_version(app)
    for row in groups.select(BRIEF_KEYS).iter_rows(named=True):
        metric, persona, badge = (
            found.get(row[key])
            for found, key in ((app.metrics, "metric"), (app.personas, "persona"), (app.badges, "metric"))
        )
        words = (
            metric.model_dump(mode="json", include={"label", "unit", "plural", "task", "agg", "better"})
            if metric
            else None
        )
        kind = persona.model_dump(mode="json", include={"title", "psychology", "risk_tolerance"}) if persona else None
        award = badge.model_dump(mode="json") if badge and row["content_type"] == "badge_citation" else None
        yield _hash([app.app, version, voice, row, words, kind, award])[:16]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def as_of_offset(brief_id: str, as_of: dt.date) -> int:
    """Where a brief's texts start on a night: one further each night."""
    return int(brief_id[:8], 16) + as_of.toordinal()
