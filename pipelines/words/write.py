"""The step that gives a night its words: what is wanted, which texts there are, and who reads which."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from configs.app import App
from pipelines.challenges.parts import PARTS
from pipelines.words.assign import OnScreen, assign_variants
from pipelines.words.briefs import brief_keys, brief_pieces
from pipelines.words.citations import write_citations
from pipelines.words.fill import FILLED
from pipelines.words.numbers import LARGEST
from pipelines.words.read_lately import Readings, nothing_read
from pipelines.words.worded import AT_A_TIME, Worded
from pipelines.words.writers.source import Offline, Source

__all__ = ["choose_words", "want_texts", "write_citations"]

_COMMON = ("content_id", "player_key", "content_type", "persona", "metric", "language")
_PAIRED = ("adaptive_mission", "mission_brief")  # the second tells of the first, with its goals
# What is put into words, and what each row of it must say.
TABLES = {
    "challenges": (*_COMMON, "target", "window_days", "difficulty_level"),
    "messages": (*_COMMON, "goal", "percentile", "recency_days"),
    "achievements": (*_COMMON, "target", "tier"),
}
_NUMBERS = pl.Schema(
    {
        "metric": pl.String(),
        "amount": pl.Float64(),
        "window_days": pl.Int64(),
        "valid_until": pl.Date(),
        "percentile": pl.Int64(),
        "mission": pl.String(),
        "also": PARTS,
        "chapter": pl.Int32(),
        "done": pl.Float64(),
    }
)


def choose_words(
    app: App,
    plan: pl.DataFrame,
    asks: pl.DataFrame,
    achievements: pl.DataFrame | None = None,
    *,
    seed: int,
    as_of: dt.date,
    recent: Readings = nothing_read,
    source: Source | None = None,
    on_screen: OnScreen | None = None,
) -> tuple[Worded, ...]:
    """Choose the words of every challenge, message and achievement.

    The same input and texts give the same words; nothing of a player but key, persona, language and numbers is read.

    Args:
        app: Its voice and metrics.
        plan: content_id, player_key, content_type, persona, metric, target, window_days, difficulty_level, language;
            valid_until where the text may name it; for missions occasion and also (what they ask for beside it).
        asks: content_id, player_key, content_type, persona, language, metric, goal (null: no target), percentile,
            recency_days; for what has an occasion occasion, for mission briefs window_days, valid_until and mission
            (the content_id of the challenge that they tell of).
        achievements: content_id, player_key, content_type, persona, language, metric, target, tier.
        seed: Another seed draws other texts from the offline writer.
        as_of: The night; moves players on to the next text of their brief.
        recent: What players read in the last 30 days; none is read again while others are left.
        source: Where texts come from; None is the offline writer.
        on_screen: Finds what of tonight's phrases stands on what is open to players already, see `assign_variants`.

    Returns:
        Of challenges, messages and, where they are given, achievements: content_id with the words, in the order of the
        input.

    Raises:
        AppFileError: The words of the app file leave no way to say something; the message names them.
        ValueError: A column is missing, a content_id stands twice, or a target is not a number that can be written.
    """
    source = source or Offline(app, seed, recent)
    _check(plan, asks, achievements)
    given = [("description", plan), ("body", asks), *([] if achievements is None else [("description", achievements)])]
    pieces = (source.sign(piece) for piece in _pieces(app, plan, asks, achievements))
    briefs, rows = brief_pieces(app, pieces, ("player_key", *FILLED))
    texts = source.texts(briefs, rows)
    paired = rows.filter(pl.col("content_type").is_in(_PAIRED))["brief_id"].unique(maintain_order=True)
    chosen = assign_variants(rows, texts, as_of=as_of, recent=recent, on_screen=on_screen, paired=paired)
    chosen = chosen.hstack(rows.drop("player_key", "brief_id")).with_columns(as_of=pl.lit(as_of))
    done, first = list[Worded](), 0
    for name, frame in given:
        ids = frame.select(pl.col("content_id").cast(pl.String))
        done.append(Worded(app, name, ids, chosen.slice(first, frame.height), texts))
        first += frame.height
    return tuple(done)


def want_texts(
    app: App, plan: pl.DataFrame, asks: pl.DataFrame, achievements: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What is to be written: a row for each text, challenges before messages before achievements.

    Returns:
        content_id, player_key, the BRIEF_KEYS, amount, window_days, valid_until and percentile (what stands behind the
        slots), and mission (see `choose_words`).

    Raises:
        ValueError: See `choose_words`.
    """
    _check(plan, asks, achievements)
    return _wanted(app, plan, asks, achievements)


def _pieces(
    app: App, plan: pl.DataFrame, asks: pl.DataFrame, achievements: pl.DataFrame | None
) -> Iterator[pl.DataFrame]:
    """What `want_texts` gives, some rows after others: with all their keys they are several times as large."""
    none = plan.clear(), asks.clear()
    yield _wanted(app, *none, None)
    yield from (_wanted(app, some, none[1], None) for some in plan.iter_slices(AT_A_TIME))
    yield from (_wanted(app, none[0], some, None) for some in asks.iter_slices(AT_A_TIME))
    for some in () if achievements is None else achievements.iter_slices(AT_A_TIME):
        yield _wanted(app, *none, some)


def _wanted(app: App, plan: pl.DataFrame, asks: pl.DataFrame, achievements: pl.DataFrame | None) -> pl.DataFrame:
    frames = [(plan, "target"), (asks, "goal"), *([] if achievements is None else [(achievements, "target")])]
    numbers = pl.concat([_numbers(frame, amount) for frame, amount in frames])
    return brief_keys(app, plan, asks, achievements).hstack(numbers.drop("metric"))


def check_rows(table: str, rows: pl.DataFrame) -> None:
    """Refuse rows of a table that cannot be put into words.

    Raises:
        ValueError: A column is missing, a content_id stands twice, or a target is not a number that can be written.
    """
    if missing := [column for column in TABLES[table] if column not in rows.columns]:
        raise ValueError(f"{table} lacks {', '.join(missing)}")
    if _some_twice(rows["content_id"].cast(pl.String)):
        raise ValueError("a content_id stands twice in what is to be written")
    named = "goal" if table == "messages" else "target"
    targets = rows[named].cast(pl.Float64)
    targets = targets.drop_nulls() if table == "messages" else targets
    if targets.null_count() or not (targets.is_finite() & (targets.abs() < LARGEST)).all():
        raise ValueError(f"a {named} is null, not finite or {LARGEST:g} or more")


def _check(plan: pl.DataFrame, asks: pl.DataFrame, achievements: pl.DataFrame | None) -> None:
    given = dict(zip(TABLES, (plan, asks, achievements), strict=True))
    frames = {table: rows for table, rows in given.items() if rows is not None}
    for table, rows in frames.items():
        check_rows(table, rows)
    if _some_twice(pl.concat([rows["content_id"].cast(pl.String) for rows in frames.values()])):
        raise ValueError("a content_id stands twice in what is to be written")


def _some_twice(ids: pl.Series) -> bool:
    """Whether a value stands twice; hashes tell faster that none does."""
    hashes = np.sort(ids.hash().to_numpy())
    return bool((hashes[1:] == hashes[:-1]).any()) and ids.n_unique() < len(ids)


def _numbers(frame: pl.DataFrame, amount: str) -> pl.DataFrame:
    """The numbers behind the slots; null where a frame has no such column."""
    found = frame.select(pl.col(amount).alias("amount"), *(name for name in _NUMBERS if name in frame.columns))
    return found.select(
        (pl.col(name) if name in found.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in _NUMBERS.items()
    )
