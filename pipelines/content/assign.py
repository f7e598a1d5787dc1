"""Who reads which text: fixed by player, brief and night, different for neighbours, new to the player."""

import datetime as dt
import hashlib

import polars as pl

from pipelines.content.briefs import first_text
from pipelines.content.validate import SLOT, sentences

_POLITE_ROUNDS = 24  # so often a row steps aside for another of the same night; for what was read lately, always
_NOTHING_READ = pl.DataFrame(schema={"player_key": pl.Int64, "variant": pl.String})


def assign_variants(
    rows: pl.DataFrame, variants: pl.DataFrame, *, as_of: dt.date, recent: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Choose a text for every row.

    A player's first choice is (place + offset) modulo n, where the place is that of the player_key among those who
    share the brief, and the offset is fixed by the brief and moves on by one each night: a text has been read by n
    others before it comes round. Where the player has read it lately, or another text of the night has the same title
    or sentence, it is the next one. A text is read again only when the player has lately read all of the brief's.

    Args:
        rows: content_id, player_key, brief_id, in order of precedence within a player.
        variants: From `write_briefs`: brief_id, index, n, variant, title, text.
        as_of: The night.
        recent: player_key, variant of what players read lately.

    Returns:
        content_id, brief_id, variant and propensity: 1 / number of the brief's texts that the player has not read
        lately; in the order of `rows`.
    """
    read = (_NOTHING_READ if recent is None else recent.select(_NOTHING_READ.columns)).unique()
    todo = _first_choices(rows, variants, read, as_of)
    phrases, most = _phrases(variants), variants["n"].max() or 0
    done = []
    for round_ in range(_POLITE_ROUNDS + int(str(most))):
        taken = todo.join(variants.select("brief_id", "index", "variant"), on=["brief_id", "index"], how="left")
        known = _known(taken, read)
        bad = pl.concat([known, _echoes(taken, phrases)]).unique() if round_ < _POLITE_ROUNDS else known
        unsettled = taken.join(bad, on="order", how="semi").select("player_key").unique()
        done.append(taken.join(unsettled, on="player_key", how="anti"))
        if bad.is_empty():
            break
        todo = todo.join(unsettled, on="player_key", how="semi").with_columns(
            index=(pl.col("index") + pl.col("order").is_in(bad["order"].implode())) % pl.col("n")
        )
    else:
        done.append(todo.join(variants.select("brief_id", "index", "variant"), on=["brief_id", "index"], how="left"))
    return pl.concat(done).sort("order").select("content_id", "brief_id", "variant", "propensity")


def _first_choices(rows: pl.DataFrame, variants: pl.DataFrame, read: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """order, content_id, player_key, brief_id, n, index, propensity."""
    briefs = variants.group_by("brief_id").agg(pl.col("n").first())
    offsets = pl.Series("offset", [first_text(brief_id, as_of) for brief_id in briefs["brief_id"]], dtype=pl.Int64)
    counts = read.join(variants.select("brief_id", "variant"), on="variant", how="inner")
    counts = counts.group_by("player_key", "brief_id").agg(pl.len().cast(pl.Int64).alias("n_read"))
    return (
        rows.select("content_id", "player_key", "brief_id")
        .with_row_index("order")
        .join(briefs.with_columns(offsets), on="brief_id", how="left")
        .join(counts, on=["player_key", "brief_id"], how="left")
        .with_columns(
            index=(pl.col("player_key").rank("ordinal").over("brief_id") + pl.col("offset")) % pl.col("n"),
            propensity=1 / (pl.col("n") - pl.col("n_read").fill_null(0)).clip(1),
        )
        .drop("offset", "n_read")
    )


def _known(taken: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """`order` of the rows whose text the player has read lately or in an earlier row of the night."""
    lately = taken.join(read, on=["player_key", "variant"], how="semi").select("order")
    tonight = taken.filter(pl.col("order") > pl.col("order").min().over("player_key", "variant")).select("order")
    return pl.concat([lately, tonight])


def _echoes(taken: pl.DataFrame, phrases: pl.DataFrame) -> pl.DataFrame:
    """`order` of the rows with a title or a sentence of an earlier row of the same player's night."""
    several = taken.filter(pl.len().over("player_key") > 1)
    spoken = several.join(phrases, on="variant", how="inner").select("order", "player_key", "phrase")
    return spoken.filter(pl.col("order") > pl.col("order").min().over("player_key", "phrase")).select("order")


def _phrases(variants: pl.DataFrame) -> pl.DataFrame:
    """variant, phrase: a number for the title and for each sentence without a slot."""
    rows = [
        (variant, _number(phrase))
        for variant, title, text in variants.select("variant", "title", "text").unique().sort("variant").iter_rows()
        for phrase in [title, *sentences(text)]
        if phrase and not SLOT.search(phrase)
    ]
    return pl.DataFrame(rows, schema={"variant": pl.String, "phrase": pl.Int64}, orient="row")


def _number(phrase: str) -> int:
    return int.from_bytes(hashlib.blake2b(phrase.casefold().encode(), digest_size=7).digest())
