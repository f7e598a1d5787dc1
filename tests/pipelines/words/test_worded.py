"""Rows whose texts are chosen: filled in some at a time they say what they say filled in at once."""

import polars as pl
import pytest

from pipelines.engines.laid import Laid
from pipelines.words.fill import TOLD
from pipelines.words.write import choose_words
from tests.factories import make_app
from tests.pipelines.words.plans import NIGHT, make_asks, make_plan


@pytest.fixture(scope="module", name="chosen")
def _chosen():
    app = make_app()
    return choose_words(app, make_plan(app, 60), make_asks(app, 60), seed=1, as_of=NIGHT)


def test_pieces_of_any_size_say_the_same_in_the_same_order(chosen):
    for worded in chosen:
        pieces = list(worded.pieces(7))
        assert max(piece.height for piece in pieces) == 7
        assert pl.concat(pieces).equals(worded.whole())


def test_laid_on_the_disk_they_say_the_same(chosen, tmp_path):
    for worded in chosen:
        laid = worded.laid(tmp_path, 7)
        assert isinstance(laid.rows, Laid)
        assert pl.concat(laid.pieces()).equals(worded.whole())
        assert laid.used().equals(worded.used())
        assert laid.at(pl.Series([20, 3])).whole().equals(worded.at(pl.Series([20, 3])).whole())


def test_a_table_without_rows_is_one_piece_without_rows(chosen):
    (piece,) = chosen[0].at(pl.Series([], dtype=pl.UInt32)).pieces()
    assert piece.is_empty()
    assert piece.schema == chosen[0].whole().schema


def test_until_they_are_asked_for_no_row_holds_a_text(chosen):
    for worded in chosen:
        assert not {*worded.rows.columns, *worded.chosen.columns} & {*TOLD}, "a text for every row, and not for a brief"


def test_texts_that_are_read_are_told_with_their_readers(chosen):
    for worded in chosen:
        used = worded.used()
        assert used["n"].sum() == worded.height
        by_variant = worded.whole().group_by("variant").len().sort("variant")
        assert used.group_by("variant").agg(len=pl.col("n").sum()).sort("variant").rows() == by_variant.rows()
