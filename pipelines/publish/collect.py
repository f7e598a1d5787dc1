"""The tables of a night out, each made by its own file of tables/, in fixed order under the players' own ids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.publish.parquet import Pieces
from pipelines.publish.seen import Seen, typed
from pipelines.publish.tables import Table, published_tables

# Computed each night and kept nowhere else. `open_challenges` has the columns of `settle.OPEN`.
FRAMES = ("profiles", "segments", "targets", "scores", "open_challenges")
NOTHING_PAID = pl.DataFrame(
    schema={"content_type": pl.String, "ai_provider": pl.String, "prompt_version": pl.String, "cost_usd": pl.Float64}
)
# Of which no night may go out without: what players are asked and paid, and what the audit weighs it by.
NEEDED = ("challenges", "messages", "achievements", "settlements", "xp_ledger", "badges_held", "profiles")


@dataclass(frozen=True)
class Collected:
    """A table of a night, made as it is taken.

    Attributes:
        pieces: Gives its rows in order of its key, some at a time and at least one piece, each with its contract's
            columns and types. A player without a user_id leaves it null, which the audit refuses.
    """

    name: str
    pieces: Callable[[], Pieces]


def collect_tables(known: Known, frames: Mapping[str, Frame], *, costs: pl.DataFrame | None = None) -> list[Collected]:
    """The tables that a night publishes, each made only when it is taken: memory holds a piece of one at a time.

    Args:
        known: What the night may see.
        frames: One frame for each name in FRAMES, with player_key; one without columns stands for no rows.
        costs: What words of the last PERFORMANCE_DAYS cost: content_type, ai_provider, prompt_version, cost_usd. What
            no issued content has to its name is spread over all content of the type.

    Raises:
        ValueError: A frame is missing.
    """
    if missing := [name for name in FRAMES if name not in frames]:
        raise ValueError(f"collect_tables needs the frames {', '.join(missing)}")
    seen = Seen(known, frames, NOTHING_PAID if costs is None else costs)
    return [Collected(name, partial(_pieces, table, seen)) for name, table in published_tables().items()]


def served_players(known: Known, addressed: pl.DataFrame, reasons: pl.DataFrame) -> pl.DataFrame:
    """Who of the active players gets something tonight, and why the others do not.

    Args:
        known: What the night may see.
        addressed: user_id of everybody with a challenge or message, see `audit.addressed`.
        reasons: player_key and reason, for those that the plan left out; one without columns stands for none.

    Returns:
        player_key, user_id, served and reason (null for those served, and for those whom nobody accounts for).
    """
    told = typed(reasons, {"player_key": pl.Int64(), "reason": pl.String()})
    pins = {"base_day": known.base_day, "active_within_days": known.app.challenges.active_within_days}
    with known.lend(addressed=addressed, reasons=told, left_alone=Seen(known, {}, NOTHING_PAID).left_alone):
        return known.frame(known.fixed("publish/served"), pins)


def _pieces(table: Table, seen: Seen) -> Pieces:
    made = table.rows(seen)
    for piece in [made] if isinstance(made, pl.DataFrame) else made.pieces(table.contract.key):
        yield _shape(table, piece, seen.known.night)
    seen.known.warehouse.ease()  # the next table takes memory, too


def _shape(table: Table, frame: pl.DataFrame, night: Night) -> pl.DataFrame:
    """The contract's columns in order and type, app and as_of added, sorted by the table's key."""
    types = table.contract.types
    if not frame.width:
        return pl.DataFrame(schema=types)
    every = frame.with_columns(app=pl.lit(night.app.app), as_of=pl.lit(night.as_of))
    if missing := [column for column in types if column not in every.columns]:
        raise ValueError(f"frame '{table.name}' lacks {', '.join(missing)}")
    columns = (_typed(every.schema[column], column, kind) for column, kind in types.items())
    return every.select(columns).sort(table.contract.key)


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
