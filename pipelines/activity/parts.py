"""Player-day parts: what merges, kept per player, local day, cohort and metric.

Only the player-days that new events touch are recomputed, so a night costs what is new, however long the history.
"""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from configs.aggregations import macros_sql
from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.local_days import sync_days
from pipelines.activity.metric_sql import (
    definitions_hash,
    derived_events_sql,
    metric_events_at_sql,
    metric_events_sql,
    parsed_sql,
)

PLAYER_DAYS_AT_ONCE = 500_000  # that are added up together, some five events each
# Streaks and entities as the night may see them, see `know_until`; a late event changes them on other days, too.
DERIVED = """SELECT * FROM derived_events ANTI JOIN touched_players USING (player_key)
              UNION ALL BY NAME FROM known_derived SEMI JOIN touched_players USING (player_key)"""


def sync_metrics(warehouse: Warehouse, app: App) -> bool:
    """Bring the warehouse's days and metrics in line with the app file; rebuild the parts when either changed.

    Returns:
        True when the parts were rebuilt.
    """
    wanted = pl.DataFrame(
        [(name, m.agg, m.better, definitions_hash(app, name)) for name, m in sorted(app.metrics.items())],
        schema=["metric", "agg", "better", "version"],
        orient="row",
    )
    _install(warehouse)
    with warehouse.transaction():
        same = wanted.equals(warehouse.frame("SELECT metric, agg, better, version FROM metrics ORDER BY metric"))
        if not sync_days(warehouse, app) and same:
            return False
        warehouse.run("DELETE FROM metrics")
        warehouse.append("metrics", wanted)
        for table in ("events", "retracted_events"):
            warehouse.run(
                f"""UPDATE {table} SET active = event IN (SELECT unnest($names))
                    WHERE active <> (event IN (SELECT unnest($names)))""",
                {"names": list(app.active_events)},
            )
        refresh_parts(warehouse, app, None)
    return True


def refresh_parts(warehouse: Warehouse, app: App, touched: pl.DataFrame | None) -> None:
    """Recompute the parts of some player-days.

    Args:
        warehouse: Open for writing; the caller's transaction is joined.
        app: The app file; its metrics must be in sync (`sync_metrics`).
        touched: Columns player_key and day; None rebuilds every player-day.
    """
    _install(warehouse)
    warehouse.seen_by = None
    with warehouse.transaction():
        if touched is None:
            for table in ("player_days", "player_day_keys", "active_days", "derived_events"):
                warehouse.run(f"DELETE FROM {table}")
            warehouse.run("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT player_key, day FROM events")
        else:
            with warehouse.lend(_touched=touched):
                warehouse.run("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT player_key, day FROM _touched")
        if not warehouse.value("SELECT count(*) FROM touched"):
            return  # a warehouse without events
        _refresh_derived(warehouse, app)
        if touched is not None:
            warehouse.run(warehouse.fixed("activity/forget_parts"))
        parsed, active_days = parsed_sql(app, derived="derived_parts"), warehouse.fixed("activity/active_days")
        add = warehouse.fixed("activity/add_parts").format(days=parsed.days, keys=parsed.keys, active_days=active_days)
        for _ in _stretches(warehouse):
            warehouse.run(f"CREATE OR REPLACE TEMP TABLE parsed_events AS {parsed.events}")
            warehouse.run(add)
        warehouse.run("DELETE FROM parsed_events; DROP TABLE derived_parts")


def know_until(warehouse: Warehouse, app: App, as_of: dt.date, cut: dt.datetime) -> None:
    """Create the views known_player_days, known_player_day_keys, known_active_days: what a night may look at.

    They hold days before `as_of`, nothing that became available after `cut` and what was taken back after it. A
    player-day that a later delivery changed is computed again without it, and so are streaks and entities, which one
    late event changes on other days.
    `known_metric_events` are the events behind them.
    """
    _install(warehouse)
    limits = {"as_of": as_of, "cut": cut}
    cut_sql = f"TIMESTAMPTZ '{cut.isoformat()}'"
    warehouse.run(
        """CREATE OR REPLACE TEMP TABLE retracted_since AS
           SELECT DISTINCT player_key, day FROM retracted_events
           WHERE day < $as_of AND available_at <= $cut AND retracted_at > $cut""",
        limits,
    )
    warehouse.run(
        """CREATE OR REPLACE TEMP TABLE touched_players AS
           SELECT player_key FROM events WHERE day < $as_of AND available_at > $cut
           UNION SELECT player_key FROM retracted_since""",
        limits,
    )
    derived = derived_events_sql(app, "touched_players", cut_sql)
    if not _any(warehouse, "touched_players"):
        derived = "FROM derived_events LIMIT 0"
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE known_derived AS FROM ({derived}) WHERE day < DATE '{as_of}'")
    warehouse.run(
        f"""CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT player_key, day FROM (
                SELECT player_key, day FROM player_days WHERE available_at > $cut
                UNION ALL SELECT player_key, day FROM active_days WHERE available_at > $cut
                UNION ALL FROM retracted_since
                UNION ALL {_moved("known_derived")})
            WHERE day < $as_of""",
        limits,
    )
    warehouse.run("CREATE OR REPLACE TEMP TABLE late_days AS FROM touched")
    warehouse.run(
        f"""CREATE OR REPLACE TEMP VIEW known_metric_events AS
            FROM ({metric_events_sql(app)}) ANTI JOIN touched_players USING (player_key) WHERE day < DATE '{as_of}'
            UNION ALL BY NAME SELECT * FROM ({metric_events_at_sql(app, cut_sql)} UNION ALL BY NAME FROM known_derived)
                              SEMI JOIN touched_players USING (player_key) WHERE day < DATE '{as_of}'"""
    )
    warehouse.run(f"CREATE OR REPLACE TEMP VIEW events_then AS FROM events_at({cut_sql})")
    for table, rows in _made_again(warehouse, app).items():
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE again_{table} AS {rows}")
        warehouse.run(
            f"""CREATE OR REPLACE TEMP VIEW known_{table} AS
                SELECT * FROM {table} ANTI JOIN late_days USING (player_key, day) WHERE day < DATE '{as_of}'
                UNION ALL BY NAME SELECT * FROM again_{table}"""
        )
    warehouse.run("DROP TABLE IF EXISTS parsed_events")


def _made_again(warehouse: Warehouse, app: App) -> dict[str, str]:
    """Queries by table for the parts of the player-days in `touched`, as they were known: of none on most nights.

    To plan them takes longer than all else that a night does to know what it may see.
    """
    if not _any(warehouse, "touched"):
        return {table: f"FROM {table} LIMIT 0" for table in ("player_days", "player_day_keys", "active_days")}
    then = parsed_sql(app, "events_then", "known_derived")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE parsed_events AS {then.events}")
    return {
        "player_days": f"{_PARTS} FROM ({then.days}) GROUP BY player_key, day, cohort, metric",
        "player_day_keys": f"{_KEYS} FROM ({then.keys}) GROUP BY player_key, day, metric, key",
        "active_days": warehouse.fixed("activity/active_days"),
    }


def _any(warehouse: Warehouse, table: str) -> bool:
    return bool(warehouse.rows(f"FROM {table} LIMIT 1"))


_PARTS = """SELECT player_key, day, cohort, metric, count(*) AS n, sum(value) AS sum, min(value) AS min,
                   max(value) AS max, max(available_at) AS available_at"""
_KEYS = "SELECT player_key, day, metric, key, count(*) AS n, max(available_at) AS available_at"


def _install(warehouse: Warehouse) -> None:
    """Create the temporary tables and macros that the queries below use, once for each connection.

    There is no view of all metrics: DuckDB looks up everything that a view names, so creating one costs as much as
    reading it.
    """
    if warehouse.has_parts:
        return
    warehouse.run("CREATE TEMP TABLE IF NOT EXISTS touched (player_key BIGINT, day DATE)")
    warehouse.run("CREATE TEMP TABLE IF NOT EXISTS touched_players (player_key BIGINT)")
    warehouse.run(warehouse.fixed("activity/pauses"))
    warehouse.run(macros_sql())
    warehouse.has_parts = True


def _stretches(warehouse: Warehouse) -> Iterator[None]:
    """Let `touched` hold its player-days a stretch at a time, by day and player, so that adding up fits in memory.

    The parts end up in the order that adding up all at once would give.
    """
    parts = -(-int(warehouse.value("SELECT count(*) FROM touched")) // PLAYER_DAYS_AT_ONCE)
    if parts <= 1:
        yield
        return
    warehouse.run(
        """CREATE OR REPLACE TEMP TABLE touched_in_parts AS
           SELECT *, ntile($parts) OVER (ORDER BY day, player_key) AS part FROM touched""",
        {"parts": parts},
    )
    for part in range(1, parts + 1):
        warehouse.run(
            """CREATE OR REPLACE TEMP TABLE touched AS
               SELECT player_key, day FROM touched_in_parts WHERE part = $part""",
            {"part": part},
        )
        yield
    warehouse.run("DROP TABLE touched_in_parts")


def _refresh_derived(warehouse: Warehouse, app: App) -> None:
    """Recompute entity and streak rows of the touched players; the days they moved on or off are touched too.

    With which event a day of a streak began is looked up on touched days alone: on others it is what it was before.
    """
    of_players = "FROM derived_events SEMI JOIN touched_players USING (player_key)"
    warehouse.run("CREATE OR REPLACE TEMP TABLE touched_players AS SELECT DISTINCT player_key FROM touched")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE derived_before AS {of_players}")
    warehouse.run("DELETE FROM derived_events WHERE player_key IN (SELECT player_key FROM touched_players)")
    anew = derived_events_sql(app, "touched_players", "TIMESTAMPTZ 'infinity'", "derived_before")
    warehouse.run(f"INSERT INTO derived_events BY NAME FROM ({anew}) ORDER BY metric, day, player_key")
    warehouse.run(f"INSERT INTO touched FROM ({_moved('derived_before')}) ANTI JOIN touched USING (player_key, day)")


def _moved(table: str) -> str:
    """The player-days on which the derived rows of the touched players differ between a table and now."""
    row = "SELECT player_key, day, metric, event_id, value, key, cohort FROM"
    now = f"{row} derived_events SEMI JOIN touched_players USING (player_key)"
    return f"""SELECT DISTINCT player_key, day FROM (
                   ({row} {table} EXCEPT {now}) UNION ALL ({now} EXCEPT {row} {table}))"""
