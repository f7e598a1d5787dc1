"""What of a warehouse is one person's: found, counted and taken out in one transaction; ledgers keep their sums."""

import re

import polars as pl

from data.warehouse import Warehouse
from pipelines.activity.erased import find_raw, take_out_raw
from pipelines.activity.source import Source

# By which ledger: what an entry is of, and what it paid.
_LEDGERS = {
    "xp_ledger": ("split_part(entry_id, ':', 1)", "xp"),
    "reward_ledger": ("item", "amount"),
    "badge_ledger": ("badge_id", "0"),
    "settlements": ("state", "0"),
    "challenges": ("content_type", "0"),
}
_BRIEFS = """SELECT brief_id FROM briefs WHERE profile <> '' AND brief_id IN
             (SELECT brief_id FROM challenges WHERE player_key = $k
              UNION SELECT brief_id FROM messages WHERE player_key = $k
              UNION SELECT brief_id FROM achievements WHERE player_key = $k)"""
_NAMED = "regexp_matches(coalesce(raw, ''), $named) OR regexp_matches(file, $named)"
_RETRACTIONS = "user_id = $u OR event_id IN (SELECT event_id FROM {events} WHERE player_key = $k)"


def key_of(warehouse: Warehouse, user_id: str) -> int | None:
    """The player's key; None where the warehouse has no such player."""
    return warehouse.value("SELECT player_key FROM players WHERE user_id = $u", {"u": user_id})  # type: ignore[no-any-return]


def count_owned(warehouse: Warehouse, user_id: str, sources: list[Source]) -> dict[str, int]:
    """How many rows of each table are the person's; tables without any are left out."""
    key = key_of(warehouse, user_id)
    counts = {
        table: int(warehouse.value(f"SELECT count(*) FROM {table} WHERE player_key = $k", {"k": key}))
        for table in _tables(warehouse)
    }
    told = {"named": named(user_id)}
    counts["retractions"] = int(
        warehouse.value(f"SELECT count(*) FROM retractions WHERE {_retractions()}", {"u": user_id, "k": key})
    )
    counts["quarantine"] = int(warehouse.value(f"SELECT count(*) FROM quarantine WHERE {_NAMED}", told))
    counts["texts"] = int(warehouse.value(f"SELECT count(*) FROM texts WHERE brief_id IN ({_BRIEFS})", {"k": key}))
    counts |= find_raw(warehouse, sources, pl.DataFrame({"user_id": [user_id]}))
    return {table: n for table, n in sorted(counts.items()) if n}


def call_keys(warehouse: Warehouse, user_id: str) -> list[str]:
    """The paid questions that were about the person: verdicts on judged badges, and texts for them alone."""
    rows = warehouse.rows(
        f"""SELECT call_key FROM verdicts WHERE player_key = $k AND call_key IS NOT NULL
            UNION SELECT second_opinion ->> 'call_key' FROM verdicts
                  WHERE player_key = $k AND second_opinion ->> 'call_key' IS NOT NULL
            UNION SELECT call_key FROM texts WHERE brief_id IN ({_BRIEFS})""",
        {"k": key_of(warehouse, user_id)},
    )
    return [key for (key,) in rows]


def take_out_owned(warehouse: Warehouse, user_id: str, sources: list[Source]) -> None:
    """Delete the person's rows of every table; the caller's transaction holds them together."""
    key = key_of(warehouse, user_id)
    take_out_raw(warehouse, sources, pl.DataFrame({"user_id": [user_id]}))
    warehouse.run(f"DELETE FROM quarantine WHERE {_NAMED}", {"named": named(user_id)})
    warehouse.run(f"DELETE FROM retractions WHERE {_retractions()}", {"u": user_id, "k": key})
    if key is None:
        return
    for ledger, (kind, xp) in _LEDGERS.items():
        warehouse.run(
            f"""INSERT INTO erased_sums SELECT '{ledger}', {kind}, count(*), sum({xp}) FROM {ledger}
                WHERE player_key = $k GROUP BY 2
                ON CONFLICT DO UPDATE SET rows = rows + excluded.rows, xp = xp + excluded.xp""",
            {"k": key},
        )
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE own_briefs AS {_BRIEFS}", {"k": key})
    for table in ("texts", "briefs"):
        warehouse.run(f"DELETE FROM {table} WHERE brief_id IN (SELECT brief_id FROM own_briefs)")
    for table in _tables(warehouse):
        warehouse.run(f"DELETE FROM {table} WHERE player_key = $k", {"k": key})


def cells_left(warehouse: Warehouse, user_id: str) -> dict[str, int]:
    """Rows of other players whose texts still hold the id once the person is gone, by table and column."""
    columns = warehouse.rows(
        """SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name)
           WHERE database_name = current_database() AND data_type IN ('VARCHAR', 'JSON') ORDER BY ALL"""
    )
    counts = {
        f"{table}.{column}": int(
            warehouse.value(
                f"""SELECT count(*) FROM "{table}" WHERE regexp_matches(coalesce("{column}"::VARCHAR, ''), $named)""",
                {"named": named(user_id)},
            )
        )
        for table, column in columns
    }
    return {place: n for place, n in counts.items() if n}


def named(user_id: str) -> str:
    """A pattern that finds an id where it stands by itself, and not within a longer word or number."""
    return rf"(^|[^\w-]){re.escape(user_id)}($|[^\w-])"


def _retractions() -> str:
    return f"{_RETRACTIONS.format(events='events')} OR {_RETRACTIONS.format(events='retracted_events')}"


def _tables(warehouse: Warehouse) -> list[str]:
    """Every table with rows of players, `players` itself last: until then it says whose they are."""
    rows = warehouse.rows(
        """SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name)
           WHERE database_name = current_database() AND column_name = 'player_key'
           ORDER BY table_name = 'players', table_name"""
    )
    return [table for (table,) in rows]
