"""What players have lately read of the texts that are open to them tonight."""

import polars as pl

NOTHING_READ = pl.DataFrame(schema={"player_key": pl.Int64, "variant": pl.String})


def read_lately_of(rows: pl.DataFrame, texts: pl.DataFrame, recent: pl.DataFrame) -> pl.DataFrame:
    """The texts of their own briefs of tonight that players have read lately, each once.

    A text counts as read under whichever brief it was read.

    Args:
        rows: player_key, brief_id: a row for each text that is wanted tonight.
        texts: brief_id, variant.
        recent: player_key, variant of what players read lately.

    Returns:
        player_key, at (the row of `texts`).
    """
    briefs = texts.select("brief_id").unique().with_row_index("brief")
    open_to = rows.lazy().select("player_key", "brief_id").join(briefs.lazy(), on="brief_id").drop("brief_id")
    known = texts.lazy().select("brief_id", "variant").with_row_index("at").join(briefs.lazy(), on="brief_id")
    return (
        recent.lazy()
        .select("player_key", "variant")
        .join(known.select("variant", "brief", "at"), on="variant")
        .join(open_to, on=["player_key", "brief"], how="semi")
        .select("player_key", "at")
        .unique()
        .collect()
    )


def most_read(rows: pl.DataFrame, texts: pl.DataFrame, recent: pl.DataFrame) -> pl.DataFrame:
    """How many of each brief's texts that of its players has read lately who has read the most of them.

    Args:
        rows: As for `read_lately_of`.
        texts: As there.
        recent: As there.

    Returns:
        brief_id, read; no row for a brief of which nobody has read anything.
    """
    read = read_lately_of(rows, texts, recent)
    return (
        read.select("player_key", brief_id=texts["brief_id"].gather(read["at"]))
        .group_by("brief_id", "player_key")
        .agg(read=pl.len().cast(pl.Int64))
        .group_by("brief_id")
        .agg(pl.col("read").max())
    )
