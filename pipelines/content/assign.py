"""Who reads which text: fixed by player, brief and night, different for neighbours, new to the player."""

import datetime as dt
import hashlib

import polars as pl

from pipelines.content.briefs import as_of_offset
from pipelines.content.offline import sentences
from pipelines.content.validate import SLOT

_ROUNDS = 24
EMPTY_RECENT = pl.DataFrame(schema={"player_key": pl.Int64, "brief_id": pl.String, "variant": pl.String})


def assign_variants(
    rows: pl.DataFrame, variants: pl.DataFrame, *, as_of: dt.date, recent: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Choose a text for every row.

    A player's first choice is (player_key + offset) modulo n, where the offset is fixed by the brief and moves on by one
    each night: players with neighbouring keys read different texts, and a brief comes back to a text after n nights. Where
    the player has read the text lately, or another text of the night has the same title or sentence, it is the next one.

    Args:
        rows: content_id, player_key, brief_id, in order of precedence within a player.
        variants: From `write_briefs`: brief_id, index, n, variant, title, text.
        as_of: The night.
        recent: player_key, brief_id, variant of what players read lately.

    Returns:
        content_id, brief_id, variant and propensity: 1 / number of the brief's texts that the player has not read lately.
    """
    recent = (EMPTY_RECENT if recent is None else recent.select(EMPTY_RECENT.columns)).unique()
    read = recent.join(variants.select("brief_id", "variant"), on=["brief_id", "variant"], how="semi")
    seen = read.group_by("player_key", "brief_id").agg(pl.len().alias("n_read"))
    starts = variants.group_by("brief_id").agg(pl.col("n").first())
    offsets = pl.Series("offset", [as_of_offset(b, as_of) for b in starts["brief_id"]], dtype=pl.Int64)
    todo = (
        rows.select("content_id", "player_key", "brief_id")
        .with_row_index("order")
        .join(starts.with_columns(offsets), on="brief_id", how="left")
        .join(seen, on=["player_key", "brief_id"], how="left")
        .with_columns(
            index=(pl.col("player_key") + pl.col("offset")) % pl.col("n"),
            propensity=1 / (pl.col("n") - pl.col("n_read").fill_null(0)).clip(1),
            tries=pl.lit(0),
        )
    )
    phrases = _phrases(variants)
    done = []
    for _ in range(_ROUNDS):
        taken = todo.join(variants.select("brief_id", "index", "variant"), on=["brief_id", "index"], how="left")
        bad = _read_lately(taken, read, phrases)
        if bad.is_empty():
            break
        unsettled = taken.join(bad, on="order", how="semi").select("player_key").unique()
        done.append(taken.join(unsettled, on="player_key", how="anti"))
        again = pl.col("order").is_in(bad["order"].implode())
        todo = todo.join(unsettled, on="player_key", how="semi").with_columns(
            index=pl.when(again).then((pl.col("index") + 1) % pl.col("n")).otherwise("index")
        )
    else:
        taken = todo.join(variants.select("brief_id", "index", "variant"), on=["brief_id", "index"], how="left")
    return pl.concat([*done, taken]).sort("order").select("content_id", "brief_id", "variant", "propensity")


def _read_lately(taken: pl.DataFrame, read: pl.DataFrame, phrases: pl.DataFrame) -> pl.DataFrame:
    """`order` of the rows whose text the player knows: from lately, or from an earlier row of the same night."""
    old = taken.join(read, on=["player_key", "brief_id", "variant"], how="semi").select("order")
    several = taken.filter(pl.len().over("player_key") > 1)
    spoken = several.join(phrases, on=["brief_id", "variant"], how="inner").select("order", "player_key", "phrase")
    first = pl.col("order").min().over("player_key", "phrase")
    twice = spoken.filter(pl.col("order") > first).select("order")
    return pl.concat([old, twice]).unique()


def _phrases(variants: pl.DataFrame) -> pl.DataFrame:
    """brief_id, variant, phrase: a number for the title and for each sentence without a slot."""
    rows = [
        (brief_id, variant, _number(phrase))
        for brief_id, variant, title, text in variants.select("brief_id", "variant", "title", "text").iter_rows()
        for phrase in [title, *sentences(text)]
        if phrase and not SLOT.search(phrase)
    ]
    return pl.DataFrame(rows, schema={"brief_id": pl.String, "variant": pl.String, "phrase": pl.Int64}, orient="row")


def _number(phrase: str) -> int:
    return int.from_bytes(hashlib.blake2b(phrase.strip().casefold().encode(), digest_size=7).digest())
