"""Rows whose texts are chosen, and filled in some rows at a time: filled they are many times as large."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from configs.app import App
from pipelines.engines.laid import Frame, Laid, laid
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
    rows: Frame
    chosen: Frame
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
        rows, chosen = (
            each.at(places) if isinstance(each, Laid) else each[places] for each in (self.rows, self.chosen)
        )
        return replace(self, rows=rows, chosen=chosen)

    def laid(self, folder: Path, at_a_time: int = AT_A_TIME) -> "Worded":
        """The same on the disk, where there is more than a piece: memory need not hold it until it is written down."""
        return replace(self, rows=laid(self.rows, folder, at_a_time), chosen=laid(self.chosen, folder, at_a_time))

    def pieces(self, at_a_time: int = AT_A_TIME) -> Iterator[pl.DataFrame]:
        """`rows` with title, the text filled in and who wrote it; at least one piece, which may be empty.

        What is laid comes as it was cut then.
        """
        for rows, chosen in zip(_pieces(self.rows, at_a_time), _pieces(self.chosen, at_a_time), strict=True):
            words = fill_in(self.app, chosen, self.texts).hstack(chosen.select("propensity"))
            yield rows.hstack(words.select("title", pl.col("text").alias(self.text), *_WRITING))

    def whole(self) -> pl.DataFrame:
        """All pieces at once: for what is small."""
        return pl.concat(self.pieces())

    def used(self) -> pl.DataFrame:
        """The texts with slots that are read: the columns of `texts` behind content_type, at, first (row), n (rows)."""
        reads = self.chosen.select("content_type", "at").with_row_index("first")
        counted = reads.group_by("content_type", "at", maintain_order=True).agg(pl.col("first").first(), n=pl.len())
        return counted.join(self.texts.with_row_index("at"), on="at", how="left", maintain_order="left")


def _pieces(frame: Frame, at_a_time: int) -> Iterator[pl.DataFrame]:
    if isinstance(frame, Laid):
        return frame.parts()
    return (frame.slice(start, at_a_time) for start in range(0, max(frame.height, 1), at_a_time))
