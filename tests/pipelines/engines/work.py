"""Work for engines, on a few players."""

import os
from pathlib import Path

import polars as pl

PLAYERS = pl.DataFrame({"player_key": range(200), "points": range(200)})


NOBODY = pl.DataFrame()


def doubled(factor: int, players: pl.DataFrame, none: pl.DataFrame) -> pl.DataFrame:
    assert none.is_empty()
    return players.select("player_key", points=pl.col("points") * factor, process=os.getpid())


def dies_once(folder: str, parent: int, players: pl.DataFrame) -> pl.DataFrame:
    """Kills the worker that has player 7 the first time, once others are done."""
    (Path(folder) / f"asked-{players['player_key'].min()}-{os.getpid()}").touch()
    died = Path(folder) / "died"
    if 7 in players["player_key"] and not died.exists() and os.getpid() != parent:
        died.touch()
        os._exit(9)
    return players
