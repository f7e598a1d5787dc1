"""Rows whose texts are chosen, and filled in some rows at a time: filled they are many times as large."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from configs.app import App
from pipelines.words.fill import fill_in

AT_A_TIME = 100_000  # rows
_WRITING = ("brief_id", "ai_provider", "model", "prompt_version", "variant", "propensity", "metadata")


@dataclass(frozen=True)
class Worded:
    """The rows of a table with the texts chosen for them.

    Attributes:
        app: Its metrics' words.
        text: What the table calls its text: description or body.
        rows: What stands beside the words, in the order of the table; content_id is among it.
        chosen: For each row at (the row of `texts`), propensity, and the numbers that `fill_in` takes.
        texts: From `Source.texts`; the tables of a night share it.
    """

    app: App
    text: str
    rows: pl.DataFrame
    chosen: pl.DataFrame
    texts: pl.DataFrame

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.chosen.height

    def beside(self, rows: pl.DataFrame) -> "Worded":
        """The same words beside other columns of the same rows, in the same order."""
        return replace(self, rows=rows)

    def at(self, places: pl.Series) -> "Worded":
        """Some of the rows, by their place."""
        return replace(self, rows=self.rows[places], chosen=self.chosen[places])

    def pieces(self, at_a_time: int = AT_A_TIME) -> Iterator[pl.DataFrame]:
        """`rows` with title, the text filled in and who wrote it; at least one piece, which may be empty."""
        for start in range(0, max(self.height, 1), at_a_time):
            chosen = self.chosen.slice(start, at_a_time)
            words = fill_in(self.app, chosen, self.texts).hstack(chosen.select("propensity"))
            told = words.select("title", pl.col("text").alias(self.text), *_WRITING)
            yield self.rows.slice(start, at_a_time).hstack(told)

    def whole(self) -> pl.DataFrame:
        """All pieces at once: for what is small."""
        return pl.concat(self.pieces())

    def used(self) -> pl.DataFrame:
        """The texts with slots that are read: the columns of `texts` behind content_type, at, first (row), n (rows)."""
        reads = self.chosen.with_row_index("first").group_by("content_type", "at", maintain_order=True)
        counted = reads.agg(pl.col("first").first(), n=pl.len())
        return counted.join(self.texts.with_row_index("at"), on="at", how="left", maintain_order="left")
