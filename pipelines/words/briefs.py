"""Briefs: what the words of a night depend on, and nothing else. Players who share a brief share its texts."""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from configs.app import App
from configs.speaking import own_language, speaking
from configs.voice import base_lexicon, spoken_lexicon
from pipelines.words.alike import find_alike
from pipelines.words.types import content_type, content_types

GRAMMAR_VERSION = "7"
# What a brief is made of. None of it is a player's own (no id, no name, no number, no free text), but for the profile.
BRIEF_KEYS = ("content_type", "persona", "metric", "difficulty", "language", "occasion", "writer", "profile")
# The most texts of a brief: more than a month of nights; twice that for a brief which many neighbours share.
TEXTS = 64
LARGE_SHARE = 1 / 8
SPARE_TEXTS = 8  # beyond two for each reader of a night, so that nobody need read one title or sentence twice


@dataclass(frozen=True)
class Brief:
    """One row of the briefs frame.

    Attributes:
        brief_id: 16 hex digits of everything that makes it.
        metric: A metric's name, a badge's for a citation, or empty.
        difficulty: Of a daily challenge: 'easy' (levels 1 to 3), 'fair' or 'hard' (8 to 10); else empty.
        occasion: What else the words rest on; see `brief_keys`.
        variants: How many texts are wanted that none of its readers has read lately.
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


def brief_keys(
    app: App, plan: pl.DataFrame, asks: pl.DataFrame, achievements: pl.DataFrame | None = None
) -> pl.DataFrame:
    """content_id, player_key and the BRIEF_KEYS of every text that is wanted: challenges, messages, achievements.

    A key that the content type does not set (`ContentType.keys`) is the row's own metric, and the occasion that the
    plan gives, or nothing.
    """
    return pl.concat([_keys(app, rows) for rows in (plan, asks, achievements) if rows is not None])


def _keys(app: App, rows: pl.DataFrame) -> pl.DataFrame:
    if "occasion" not in rows.columns:
        rows = rows.with_columns(occasion=pl.lit(""))
    types = pl.Schema({"content_id": pl.String(), "player_key": pl.Int64(), **dict.fromkeys(BRIEF_KEYS, pl.String())})
    given = {name: pl.lit("") for name in BRIEF_KEYS} | {"content_type": pl.col("content_type")}
    given |= {"persona": pl.col("persona"), "language": pl.col("language").fill_null(app.voice.languages[0])}
    given |= {"metric": pl.col("metric"), "occasion": pl.col("occasion")}
    for kind in rows["content_type"].unique():
        for name, key in content_type(kind).keys(app).items():
            given[name] = pl.when(pl.col("content_type") == kind).then(key).otherwise(given[name])
    return rows.select(
        "content_id", "player_key", *(text.cast(pl.String).fill_null("").alias(name) for name, text in given.items())
    ).cast(types)


def brief_pieces(app: App, pieces: Iterable[pl.DataFrame], keep: Collection[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The briefs of rows that carry the BRIEF_KEYS and come a piece at a time, at least one piece.

    Args:
        app: Its voice and words.
        pieces: The rows.
        keep: Their columns that are held beside the brief_id of each row.

    Returns:
        A row for each brief with the columns of `Brief`, ordered by brief_id; and the rows in their order.
    """
    groups, rows, n_groups = list[pl.DataFrame](), list[pl.DataFrame](), 0
    for piece in pieces:
        first, place = find_alike(piece, *BRIEF_KEYS)
        alike = piece.select(BRIEF_KEYS)[first]
        groups.append(alike.with_columns(rows=np.bincount(place, minlength=len(first))))
        numbered = pl.Series("_group", place + n_groups, dtype=pl.UInt32)
        rows.append(piece.select(*(name for name in piece.columns if name in keep), numbered))
        n_groups += len(first)
    every = pl.concat(groups)
    first, place = find_alike(every, *BRIEF_KEYS)
    counts = np.bincount(place, every["rows"], len(first)).astype(np.int64)
    briefs = _briefs(app, every.select(BRIEF_KEYS)[first].with_columns(rows=counts))
    wanted = pl.concat(rows)
    ids = briefs["brief_id"].gather(place[wanted["_group"]])
    return briefs.select("brief_id", *BRIEF_KEYS, "variants").sort("brief_id"), wanted.drop("_group").with_columns(ids)


def _briefs(app: App, groups: pl.DataFrame) -> pl.DataFrame:
    """The BRIEF_KEYS and numbers of rows that share them, with brief_id and variants."""
    ids = pl.Series("brief_id", list(_brief_ids(app, groups)), dtype=pl.String)
    large = pl.col("rows") >= LARGE_SHARE * pl.col("rows").sum()
    most = pl.when(large).then(2 * TEXTS).otherwise(TEXTS)
    few = pl.min_horizontal(most, 2 * pl.col("rows") + SPARE_TEXTS)
    cites = pl.col("content_type") == "badge_citation"  # whose words rest on the award, whoever else has one
    return groups.with_columns(ids, pl.when(cites).then(most).otherwise(few).cast(pl.Int64).alias("variants"))


def read_briefs(briefs: pl.DataFrame) -> Iterator[Brief]:
    """The rows of a briefs frame as objects."""
    for row in briefs.iter_rows(named=True):
        yield Brief(**row)


def prompt_version(app: App, kind: str) -> str:
    """The grammar's version and a hash of every phrase that it may use for a content type."""
    spoken = spoken_lexicon(own_language(app), app.voice.address, app.voice.kind) or base_lexicon(app.voice.kind)
    phrases = [_phrases_for(kind, lexicon) for lexicon in (app.voice.lexicon, spoken)]
    return f"grammar-{GRAMMAR_VERSION}-{_hash(phrases)[:8]}"


def first_text(brief_id: str, as_of: dt.date) -> int:
    """Where a brief's texts start on a night: one further each night."""
    return int(brief_id[:8], 16) + as_of.toordinal()


def _brief_ids(app: App, groups: pl.DataFrame) -> Iterator[str]:
    """A hash of the keys and of everything in the app file that the words rest on."""
    rests_on: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for row in groups.select(BRIEF_KEYS).iter_rows(named=True):
        said = speaking(app, row["language"]) or app
        key = row["content_type"], row["language"]
        if key not in rests_on:
            rests_on[key] = _rests_on(said, row["content_type"])
        parts = (said.metrics.get(row["metric"]), said.badges.get(row["metric"]), app.personas.get(row["persona"]))
        told = [part and part.model_dump(mode="json") for part in parts]
        yield _hash([app.app, *rests_on[key], row, told])[:16]


def _rests_on(app: App, kind: str) -> tuple[str, dict[str, Any]]:
    """The grammar's version and the app's voice, as far as a content type can use them."""
    voice = app.voice.model_dump(mode="json", exclude=set() if kind == "mission_brief" else {"chapters"})
    return prompt_version(app, kind), voice | {"lexicon": _phrases_for(kind, app.voice.lexicon)}


def _phrases_for(of: str, lexicon: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """A lexicon without the symbols that belong to other content types."""
    others = tuple(kind.starts[1] for kind in content_types().values() if kind.own_phrases and kind.name != of)
    return {name: phrases for name, phrases in lexicon.items() if not _belongs(name, others)}


def _belongs(name: str, symbols: tuple[str, ...]) -> bool:
    return name in symbols or name.startswith(tuple(f"{symbol}_" for symbol in symbols))


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
