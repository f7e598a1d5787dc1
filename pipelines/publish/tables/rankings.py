"""Where players stand in the lists that the app file asks for."""

import polars as pl

from data.contracts_out import contract, named, number, text, whole
from pipelines.players.rankings import rank_players
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "ranking"),
    {
        "user_id": text(),
        "ranking": text(),
        "metric": named(),
        "days": whole(1),
        "cohort": text(nullable=True),
        "team": text(nullable=True),
        "place": whole(1),
        "players": whole(1),
        "value": number(),
        "next_value": number(nullable=True),
    },
    standing=False,
    screen=("ranking", "metric", "days", "cohort", "team", "place", "players", "value", "next_value"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows: nobody is listed who is left alone, neither to themselves nor before others."""
    profiles = seen.frames["profiles"]
    if not profiles.columns:
        return seen.named(profiles)
    main = seen.frame("segments").filter("is_main").select("player_key", pl.col("cohort").cast(pl.String))
    players = profiles.select("player_key").join(main, on="player_key", how="left", maintain_order="left")
    return seen.named(rank_players(seen.known, players.join(seen.left_alone, on="player_key", how="anti")))
