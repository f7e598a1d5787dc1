"""A night: features, two boosters, three targets near the wanted chance for each player, badges, plain Parquet."""

import argparse
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import lightgbm as lgb
import numpy as np
import polars as pl

from tests.benchmarks.straight.features import features_sql
from tests.benchmarks.straight.store import SQL, open_store
from tests.benchmarks.straight.train import PLAY, WINDOWS, own_history, plays_matrix, reaches_matrix

WANTED, HARDEST, EASIEST, EACH = 0.55, 0.25, 0.85, 3
SHARES = (0.4, 0.7, 1.0, 1.5)  # of what the player usually does in such a window
AT_ONCE = 20_000  # players


def serve(store: Path, as_of: dt.date, out: Path, at_once: int = AT_ONCE) -> None:
    """Write scores, challenges and new badges as Parquet into a folder.

    Players with events since the last night are looked at for badges; everyone active within 28 days gets challenges.

    Args:
        store: The DuckDB file, with the models beside it.
        as_of: The night.
        out: The folder.
        at_once: So many players after the other: memory holds what is made of them, and what is written of all.
    """
    out.mkdir(parents=True, exist_ok=True)
    made: dict[str, list[pl.DataFrame]] = {"scores": [], "challenges": [], "badges": []}
    with open_store(store) as con:
        for _ in _blocks(con, "snapshots", _ACTIVE, as_of, at_once):
            features = con.sql(features_sql()).pl()
            plays = _plays(store, features)
            made["scores"].append(plays)
            made["challenges"].append(_plan(store, features, plays))
        con.execute(_LEDGER)
        for _ in _blocks(con, "news", _NEWS, as_of, at_once):
            made["badges"].append(_award(con, as_of))
        con.execute("INSERT INTO nights VALUES ($as_of)", {"as_of": as_of})
    for name, blocks in made.items():
        pl.concat(blocks).write_parquet(out / f"{name}.parquet")


_ACTIVE = """SELECT DISTINCT user_id, $as_of::DATE AS base_day FROM player_days
             WHERE actions > 0 AND day BETWEEN $as_of::DATE - 28 AND $as_of::DATE - 1"""
_NEWS = """SELECT DISTINCT user_id FROM player_days
           WHERE day >= coalesce((SELECT max(as_of) FROM nights), DATE '2000-01-01') - 2 AND day < $as_of"""
_LEDGER = """
    CREATE TABLE IF NOT EXISTS nights (as_of DATE);
    CREATE TABLE IF NOT EXISTS badges (user_id VARCHAR, badge_id VARCHAR, granted_at TIMESTAMPTZ, event_id VARCHAR)"""


def _blocks(con: duckdb.DuckDBPyConnection, table: str, rows: str, as_of: dt.date, at_once: int) -> Iterator[None]:
    """Let a temporary table hold some of the players after the other, in order of their ids; at least once."""
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE all_{table} AS
            SELECT *, (row_number() OVER (ORDER BY user_id) - 1) // {at_once} AS block FROM ({rows})""",
        {"as_of": as_of},
    )
    (blocks,) = con.execute(f"SELECT coalesce(max(block), 0) + 1 FROM all_{table}").fetchone() or (1,)
    for block in range(blocks):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * EXCLUDE (block) FROM all_{table} WHERE block = {block}"
        )
        yield


def _award(con: duckdb.DuckDBPyConnection, as_of: dt.date) -> pl.DataFrame:
    """The badges of players in `news` that are new, which are kept."""
    found = con.sql((SQL / "badges.sql").read_text(encoding="utf-8"), params={"as_of": as_of}).pl()
    con.register("found", found)
    new: pl.DataFrame = con.sql("SELECT * FROM found ANTI JOIN badges USING (user_id, badge_id)").pl()
    con.register("new", new)
    con.execute("INSERT INTO badges SELECT * FROM new")
    return new


def _plays(store: Path, features: pl.DataFrame) -> pl.DataFrame:
    """Who plays, within each window."""
    rows = features.select("user_id", *PLAY).join(pl.DataFrame({"window_days": WINDOWS}), how="cross")
    said = _predict(store.with_name("plays.txt"), plays_matrix(rows))
    return rows.select("user_id", "window_days").with_columns(p_plays=pl.Series(said))


def _plan(store: Path, features: pl.DataFrame, plays: pl.DataFrame) -> pl.DataFrame:
    """For each metric and window the target nearest the wanted chance, and of those the three nearest."""
    usual = pl.col("own_28") / 28 * pl.col("window_days")
    one = pl.col("metric") == "best_drill_score"
    asked = (
        own_history(features)
        .join(pl.DataFrame({"window_days": WINDOWS}), how="cross")
        .join(pl.DataFrame({"share": SHARES}), how="cross")
        .with_columns(target=(pl.when(one).then("own_28").otherwise(usual) * pl.col("share")).ceil().clip(1))
        .unique(["user_id", "metric", "window_days", "target"], maintain_order=True)
        .join(features.select("user_id", *PLAY), on="user_id", maintain_order="left")
    )
    asked = asked.select("user_id", "metric", "window_days", "target").with_columns(
        chance=pl.Series(_predict(store.with_name("reaches.txt"), reaches_matrix(asked)))
    )
    off = (pl.col("chance") - WANTED).abs()
    best = asked.filter(pl.col("chance").is_between(HARDEST, EASIEST)).sort("user_id", off)
    best = best.group_by("user_id", "metric", maintain_order=True).first()
    best = best.group_by("user_id", maintain_order=True).head(EACH)
    best = best.join(plays, on=["user_id", "window_days"], maintain_order="left")
    return best.with_columns(
        title=pl.format("Go for {}", "metric"),
        description=pl.format("Reach {} {} within {} days.", pl.col("target").cast(pl.Int64), "metric", "window_days"),
        completion_probability=pl.col("chance") * pl.col("p_plays"),
    )


def _predict(model: Path, x: pl.DataFrame) -> np.ndarray:
    return np.asarray(lgb.Booster(model_file=model).predict(np.ascontiguousarray(x.to_numpy()), num_threads=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("as_of", type=dt.date.fromisoformat)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    serve(given.store, given.as_of, given.out)
