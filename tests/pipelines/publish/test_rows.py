"""Where a published table's rows come from: laid on the disk they go out as they would from memory."""

import polars as pl

from pipelines.publish.rows import Named, lay_named


def test_a_frame_on_the_disk_goes_out_in_the_order_of_ids(tmp_path, monkeypatch):
    rows = pl.DataFrame({"player_key": [3, 1, 2, 3, 1, 4], "value": [1, 2, 3, 4, 5, 6]})
    players = pl.DataFrame({"player_key": [1, 2, 3], "user_id": ["zoe", "ann", "max"]})
    monkeypatch.setattr("pipelines.publish.rows.LAID_AT_A_TIME", 2)
    pieces = list(Named(lay_named(rows, players, tmp_path), players).pieces(["user_id"]))
    from_memory = list(Named(rows, players, at_a_time=2).pieces(["user_id"]))
    assert pl.concat(pieces).equals(pl.concat(from_memory))
    assert len(pieces) > 1
