"""Scores of things that may be recommended."""

import polars as pl


def scores(players: int, chances: dict[str, float], task: str = "recommendations", days: int = 7) -> pl.DataFrame:
    rows = [(player, task, item, days, p, f"toy.{task}/1") for player in range(players) for item, p in chances.items()]
    names = {
        "player_key": pl.Int64,
        "task": pl.String,
        "target": pl.String,
        "horizon_days": pl.Int32,
        "probability": pl.Float64,
        "model_version": pl.String,
    }
    return pl.DataFrame(rows, schema=names, orient="row")


CHANCES = {"a": 0.8, "b": 0.4, "c": 0.2, "d": 0.1}
