"""Where a published table's rows come from: laid on the disk they go out as they would from memory."""

import polars as pl

from pipelines.engines.laid import Laid
from pipelines.publish.rows import Named


def test_a_frame_on_the_disk_goes_out_as_it_would_from_memory_some_rows_at_a_time(tmp_path):
    rows = pl.DataFrame({"player_key": [3, 1, 2, 3, 1, 4], "value": [1, 2, 3, 4, 5, 6]})
    players = pl.DataFrame({"player_key": [1, 2, 3], "user_id": ["zoe", "ann", "max"]})
    laid = Laid((rows.filter(pl.col("player_key").is_in(some)) for some in ([4, 2], [3], [1])), tmp_path)
    in_order = rows.join(players, on="player_key", how="left").sort("user_id", "value")
    for most, count in ((1, 4), (2, 3), (4, 2), (6, 1)):
        pieces = list(Named(laid, players, at_a_time=most).pieces(["user_id"]))
        assert pl.concat(piece.sort("user_id", "value") for piece in pieces).equals(in_order)
        assert len(pieces) == count, [piece.height for piece in pieces]
    from_memory = list(Named(rows, players, at_a_time=2).pieces(["user_id"]))
    assert pl.concat(piece.sort("user_id", "value") for piece in from_memory).equals(in_order)
