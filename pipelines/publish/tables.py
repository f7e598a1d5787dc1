"""The tables of a night out: the warehouse's rows and the night's frames under the players' own ids, in fixed order."""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from data.contracts_out import PUBLISHED
from data.warehouse import Warehouse
from pipelines.activity.parts import know_until
from pipelines.badges.held import badges_held
from pipelines.badges.judged.nominate import held_since, judged_badges
from pipelines.badges.rules.read import nominate_rules
from pipelines.challenges.achievements import achievement_progress
from pipelines.pins import Night, day_starts, what_is_over

# Computed each night and kept nowhere else. `open_challenges` has content_id, player_key and progress.
FRAMES = ("profiles", "segments", "targets", "scores", "badge_progress", "open_challenges")
PERFORMANCE_DAYS = 90
NOTHING_PAID = pl.DataFrame(
    schema={"content_type": pl.String, "ai_provider": pl.String, "prompt_version": pl.String, "cost_usd": pl.Float64}
)
_EVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def collect_tables(
    warehouse: Warehouse, night: Night, frames: Mapping[str, pl.DataFrame], *, costs: pl.DataFrame | None = None
) -> dict[str, pl.DataFrame]:
    """Gather what a night publishes.

    Args:
        warehouse: Holds the night's challenges, messages, settlements and ledgers.
        night: Its `as_of`, `revision` and `cut` bound what is read.
        frames: One frame for each name in FRAMES, with player_key; one without columns stands for no rows.
        costs: What words of the last PERFORMANCE_DAYS cost: content_type, ai_provider, prompt_version, cost_usd. What
            no issued content has to its name is spread over all content of the type.

    Returns:
        A frame for each table of `data.contracts_out.PUBLISHED`, with its columns and types, sorted by its key.
        A player without a user_id leaves it null, which the audit refuses.

    Raises:
        ValueError: A frame or one of its columns is missing.
    """
    if missing := [name for name in FRAMES if name not in frames]:
        raise ValueError(f"collect_tables needs the frames {', '.join(missing)}")
    know_until(warehouse, night.as_of, night.cut)
    players = warehouse.frame("SELECT player_key, user_id FROM players")
    held = badges_held(warehouse, night).rename({"as_of": "noticed_on"})
    lent = {
        "open_progress": _open_progress(frames["open_challenges"]),
        "opted_out": _opted_out(warehouse),
        "achievement_progress": achievement_progress(warehouse, night),
        **what_is_over(warehouse, night),
        "begins": day_starts(warehouse, night, _first_days(warehouse, night)),
        "held_since": held_since(warehouse, night.as_of),
        "judged": judged_badges(nominate_rules(night.app)),
    }
    with warehouse.lend(costs=NOTHING_PAID if costs is None else costs, **lent):
        found = {
            "challenges": _select(warehouse, night, "challenges"),
            "messages": _select(warehouse, night, "messages"),
            "achievements": _select(warehouse, night, "achievements"),
            "settlements": _select(warehouse, night, "settlements"),
            "badge_nominees": _select(warehouse, night, "badge_nominees"),
            "xp_ledger": _select(warehouse, night, "xp_ledger"),
            "content_performance": _select(warehouse, night, "content_performance"),
        }
    keyed = {
        "badges": held.filter(pl.col("noticed_on") == night.as_of),
        "badges_held": held,
        **{name: frames[name] for name in FRAMES if name in PUBLISHED},
    }
    found |= {name: _name_players(frame, players) for name, frame in keyed.items()}
    return {name: _shape(name, found[name], night) for name in PUBLISHED}


def served_players(
    warehouse: Warehouse, night: Night, tables: Mapping[str, pl.DataFrame], reasons: pl.DataFrame
) -> pl.DataFrame:
    """Who of the active players gets something tonight, and why the others do not.

    Args:
        warehouse: The active players are those who played within the app's `challenges.active_within_days`.
        night: Its `base_day` and `cut` bound what is read.
        tables: From `collect_tables`.
        reasons: player_key and reason, for those that the plan left out; one without columns stands for none.

    Returns:
        player_key, user_id, served and reason (null for those served, and for those whom nobody accounts for).
    """
    know_until(warehouse, night.as_of, night.cut)
    addressed = pl.concat([tables["challenges"].select("user_id"), tables["messages"].select("user_id")]).unique()
    told = _with_columns(reasons, {"player_key": pl.Int64(), "reason": pl.String()})
    with warehouse.lend(addressed=addressed, reasons=told, opted_out=_opted_out(warehouse)):
        return _select(warehouse, night, "served")


def _select(warehouse: Warehouse, night: Night, name: str) -> pl.DataFrame:
    sql = warehouse.fixed(f"publish/published_{name}")
    pins = {
        "as_of": night.as_of,
        "revision": night.revision,
        "cut": night.cut,
        "base_day": night.base_day,
        "since": night.as_of - dt.timedelta(days=PERFORMANCE_DAYS),
        "active_within_days": night.app.challenges.active_within_days,
    }
    return warehouse.frame(sql, {key: value for key, value in pins.items() if f"${key}" in sql})


def _first_days(warehouse: Warehouse, night: Night) -> pl.DataFrame:
    """player_key and day: the first days of the challenges of which `content_performance` tells."""
    return warehouse.frame(
        "SELECT DISTINCT player_key, valid_from AS day FROM challenges WHERE as_of >= $since AND as_of <= $as_of",
        {"since": night.as_of - dt.timedelta(days=PERFORMANCE_DAYS), "as_of": night.as_of},
    )


def _opted_out(warehouse: Warehouse) -> pl.DataFrame:
    """Whose last word is to be left alone: unlike all else this heeds what came in after the cut."""
    return warehouse.frame(warehouse.fixed("players/opted_out"), {"cut": _EVER})


def _open_progress(frame: pl.DataFrame) -> pl.DataFrame:
    types = {"content_id": pl.String(), "player_key": pl.Int64(), "progress": pl.Float64()}
    return _with_columns(frame, types).cast(pl.Schema(types))


def _with_columns(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(list(types)) if frame.width else pl.DataFrame(schema=dict(types))


def _name_players(frame: pl.DataFrame, players: pl.DataFrame) -> pl.DataFrame:
    if not frame.width:
        return frame
    return frame.join(players, on="player_key", how="left", maintain_order="left", validate="m:1")


def _shape(name: str, frame: pl.DataFrame, night: Night) -> pl.DataFrame:
    """The contract's columns in order and type, app and as_of added, sorted by the table's key."""
    table = PUBLISHED[name]
    if not frame.width:
        return pl.DataFrame(schema=table.types)
    every = frame.with_columns(app=pl.lit(night.app.app), as_of=pl.lit(night.as_of))
    if missing := [column for column in table.types if column not in every.columns]:
        raise ValueError(f"frame '{name}' lacks {', '.join(missing)}")
    return every.select(_typed(every.schema[column], column, kind) for column, kind in table.types.items()).sort(
        table.key
    )


def _typed(given: pl.DataType, column: str, wanted: pl.DataType) -> pl.Expr:
    """A column in its contract's type, where that loses nothing; anything else is left for the audit to refuse."""
    value = pl.col(column)
    if wanted == pl.String() and isinstance(given, pl.Struct):
        return value.struct.json_encode().alias(column)
    if wanted == pl.String() and isinstance(given, (pl.Enum, pl.Categorical)):
        return value.cast(pl.String)
    numbers = given.is_numeric() and wanted.is_numeric() and (given.is_integer() or wanted.is_float())
    times = isinstance(given, pl.Datetime) and isinstance(wanted, pl.Datetime)
    return value.cast(wanted) if numbers or times or given == pl.Null() else value
