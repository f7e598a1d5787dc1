"""Where a night's texts come from: the offline writer alone, or language models with the offline writer behind them."""

from collections.abc import Mapping
from typing import Protocol

import polars as pl

from configs.app import App
from pipelines.words.briefs import TEXTS, prompt_version, read_briefs
from pipelines.words.read_lately import Readings, nothing_read
from pipelines.words.writers.offline import AI_PROVIDER, MODEL, write_briefs

TEXT_COLUMNS = (
    *("brief_id", "index", "n", "variant", "title", "text", "language", "metadata"),
    *("ai_provider", "model", "prompt_version"),
)


class Source(Protocol):
    """Gives every brief of a night its texts."""

    def sign(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Say who writes what: `wanted` with writer and profile filled in, and arm where arms are compared."""
        ...

    def texts(self, briefs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """Every text that may be read tonight, at least one for each brief.

        Args:
            briefs: brief_id, the BRIEF_KEYS, variants.
            rows: player_key, brief_id: a row for each text that is wanted.

        Returns:
            TEXT_COLUMNS: index from 0 to n - 1 within the brief.
        """
        ...


class Offline:
    """The offline writer. The same app file, briefs and seed give the same texts.

    Args:
        app: Its voice and words.
        seed: Another seed draws other texts.
        recent: What players read lately.
    """

    def __init__(self, app: App, seed: int, recent: Readings = nothing_read) -> None:
        self._app = app
        self._seed = seed
        self._recent = recent

    def sign(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """`wanted` as it is: whoever asks, the offline writer writes."""
        return wanted

    def texts(self, briefs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """As many texts as each brief wants beyond what its readers know, or as its phrases give.

        Raises:
            AppFileError: The words of the app file leave no way to say something; the message names them.
        """
        texts = write_briefs(self._app, read_briefs(briefs), seed=self._seed, read=self._read(briefs, rows))
        versions = {kind: prompt_version(self._app, kind) for kind in briefs["content_type"].unique()}
        version = pl.col("content_type").replace_strict(versions, return_dtype=pl.String)
        return (
            texts.join(
                briefs.select("brief_id", prompt_version=version), on="brief_id", how="left", maintain_order="left"
            )
            .with_columns(ai_provider=pl.lit(AI_PROVIDER), model=pl.lit(MODEL))
            .select(TEXT_COLUMNS)
        )

    def _read(self, briefs: pl.DataFrame, rows: pl.DataFrame) -> Mapping[str, list[str]]:
        """By brief_id, what its readers read lately, where they are few; where they are many, it wants all there is."""
        few = briefs.filter(pl.col("variants") < TEXTS).select("brief_id")
        readers = rows.select("player_key", "brief_id").join(few, on="brief_id", how="semi").unique()
        pieces = self._recent(readers["player_key"].unique()) if readers.height else ()
        told = [readers.join(some, on="player_key").select("brief_id", "variant").unique() for some in pieces]
        known = pl.concat(told).group_by("brief_id").agg(pl.col("variant").unique()) if told else pl.DataFrame()
        return dict(known.iter_rows())
