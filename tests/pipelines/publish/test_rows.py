"""Where a published table's rows come from: laid on the disk they go out as they would from memory."""

import polars as pl

from pipelines.engines.laid import Laid
from pipelines.publish.rows import Named


def test_a_frame_on_the_disk_goes_out_by_the_pieces_in_which_it_lies(tmp_path):
    rows = pl.DataFrame({"player_key": [3, 1, 2, 3, 1, 4], "value": [1, 2, 3, 4, 5, 6]})
    players = pl.DataFrame({"player_key": [1, 2, 3], "user_id": ["zoe", "ann", "max"]})
    laid = Laid((rows.filter(pl.col("player_key").is_in(some)) for some in ([4, 2], [3], [1])), tmp_path)
    pieces = list(Named(laid, players).pieces(["user_id"]))
    from_memory = list(Named(rows, players, at_a_time=2).pieces(["user_id"]))
    assert pl.concat(pieces).equals(pl.concat(from_memory))
    assert len(pieces) > 1
