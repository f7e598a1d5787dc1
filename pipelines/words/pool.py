"""The texts that language models wrote: kept in the warehouse, and topped up once readers know too many of them."""

import datetime as dt

import polars as pl

from data.warehouse import Warehouse
from pipelines.words.briefs import BRIEF_KEYS, LARGE_SHARE
from pipelines.words.read_lately import Readings, most_read

TEXTS = pl.Schema(
    {
        "brief_id": pl.String(),
        "variant": pl.String(),
        "place": pl.Int32(),
        "title": pl.String(),
        "text": pl.String(),
        "language": pl.String(),
        "ai_provider": pl.String(),
        "model": pl.String(),
        "prompt_version": pl.String(),
        "call_key": pl.String(),
        "cost_usd": pl.Float64(),
        "made_on": pl.Date(),
        "serves": pl.Boolean(),
        "metadata": pl.String(),
    }
)


def read_pool(warehouse: Warehouse, briefs: pl.DataFrame) -> pl.DataFrame:
    """The texts of these briefs, candidates included, in order of brief and place.

    Args:
        warehouse: Holds them.
        briefs: brief_id.

    Returns:
        The columns of TEXTS.
    """
    with warehouse.lend(asked=briefs.select("brief_id").unique()):
        rows = warehouse.frame("SELECT * FROM texts SEMI JOIN asked USING (brief_id) ORDER BY brief_id, place, variant")
    return rows.select(TEXTS.names()).cast(TEXTS)


def keep_texts(warehouse: Warehouse, briefs: pl.DataFrame, texts: pl.DataFrame, made_on: dt.date) -> None:
    """Keep new texts with the briefs that they answer; what is there already stays as it is.

    Args:
        warehouse: Open for writing.
        briefs: brief_id and the BRIEF_KEYS, of all briefs that may be among `texts`.
        texts: The columns of TEXTS.
        made_on: The night.
    """
    answered = briefs.join(texts.select("brief_id").unique(), on="brief_id", how="semi")
    with warehouse.transaction():
        rows = answered.select("brief_id", *BRIEF_KEYS).with_columns(made_on=pl.lit(made_on))
        warehouse.append("briefs", rows, on_conflict_skip=True)
        warehouse.append("texts", texts.select(TEXTS.names()), on_conflict_skip=True)


def count_missing(
    rows: pl.DataFrame, pool: pl.DataFrame, recent: Readings, *, variants: int, made_on: dt.date
) -> pl.DataFrame:
    """How many texts each brief of the night lacks.

    A brief wants as many texts as it has players tonight, at most `variants` (twice that for a brief that an eighth of
    the night shares), and always more than any of its players has read in 30 days. One that was written for on this
    very night wants no more: a night that is run again asks for nothing new.

    Args:
        rows: player_key and brief_id, a row for each text wanted tonight.
        pool: The columns of TEXTS.
        recent: What players read lately.
        variants: Texts in one request.
        made_on: The night.

    Returns:
        brief_id, have, short (how many texts fewer than wanted there are) and missing (how many to ask for); a row for
        each brief, by brief_id.
    """
    serving = pool.filter("serves")
    have = serving.group_by("brief_id").agg(
        pl.len().cast(pl.Int64).alias("have"), tonight=(pl.col("made_on") == pl.lit(made_on)).any()
    )
    players = rows.group_by("brief_id").agg(pl.len().cast(pl.Int64).alias("rows"))
    most = pl.when(pl.col("rows") >= LARGE_SHARE * rows.height).then(2 * variants).otherwise(variants)
    wanted = pl.max_horizontal(pl.min_horizontal("rows", most), pl.col("read") + 1)
    return (
        players.join(have, on="brief_id", how="left")
        .join(most_read(rows, serving, recent), on="brief_id", how="left")
        .with_columns(pl.col("have", "read").fill_null(0), pl.col("tonight").fill_null(value=False))
        .with_columns(short=(wanted - pl.col("have")).clip(0))
        .with_columns(missing=pl.when("tonight").then(0).otherwise("short"))
        .select("brief_id", "have", "short", "missing")
        .sort("brief_id")
    )
