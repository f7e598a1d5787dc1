"""The tables of a night out, each made by its own file of tables/, in fixed order under the players' own ids."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from configs.errors import NightquestError
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.publish.seen import Seen, typed
from pipelines.publish.tables import Table, published_tables, table_faults

# Computed each night and kept nowhere else. `open_challenges` has content_id, player_key and progress.
FRAMES = ("profiles", "segments", "targets", "scores", "badge_progress", "open_challenges")
NOTHING_PAID = pl.DataFrame(
    schema={"content_type": pl.String, "ai_provider": pl.String, "prompt_version": pl.String, "cost_usd": pl.Float64}
)


# Of which no night may go out without: what players are asked and paid, and what the audit weighs it by.
NEEDED = ("challenges", "messages", "achievements", "settlements", "xp_ledger", "badges_held", "profiles")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collected:
    """The tables of a night.

    Attributes:
        tables: By name, each with its contract's columns and types, sorted by its key. A player without a user_id
            leaves it null, which the audit refuses.
        faults: A sentence for each table that is left out.
    """

    tables: dict[str, pl.DataFrame]
    faults: tuple[str, ...] = ()


def collect_tables(known: Known, frames: Mapping[str, pl.DataFrame], *, costs: pl.DataFrame | None = None) -> Collected:
    """Gather what a night publishes; a table that cannot be made costs itself alone, unless it is NEEDED.

    Args:
        known: What the night may see.
        frames: One frame for each name in FRAMES, with player_key; one without columns stands for no rows.
        costs: What words of the last PERFORMANCE_DAYS cost: content_type, ai_provider, prompt_version, cost_usd. What
            no issued content has to its name is spread over all content of the type.

    Raises:
        ValueError: A frame is missing.
        NightquestError: A table that is needed cannot be made.
    """
    if missing := [name for name in FRAMES if name not in frames]:
        raise ValueError(f"collect_tables needs the frames {', '.join(missing)}")
    seen = Seen(known, frames, NOTHING_PAID if costs is None else costs)
    made: dict[str, pl.DataFrame] = {}
    faults = list(table_faults())
    for name, table in published_tables().items():
        try:
            made[name] = _shape(table, table.rows(seen), known.night)
        except (NightquestError, OSError, MemoryError):
            raise  # no fault of its file
        except Exception as error:  # (whatever a table's file does wrong costs that table)
            faults.append(f"The table {name} is not published: {type(error).__name__}: {error}.")
            if name in NEEDED:
                raise NightquestError(faults[-1], f"Mend pipelines/publish/tables/{name}.py.", exit_code=1) from error
            _log.warning("%s", faults[-1], exc_info=error)
    return Collected(made, tuple(faults))


def served_players(known: Known, tables: Mapping[str, pl.DataFrame], reasons: pl.DataFrame) -> pl.DataFrame:
    """Who of the active players gets something tonight, and why the others do not.

    Args:
        known: What the night may see.
        tables: From `collect_tables`.
        reasons: player_key and reason, for those that the plan left out; one without columns stands for none.

    Returns:
        player_key, user_id, served and reason (null for those served, and for those whom nobody accounts for).
    """
    addressed = pl.concat([tables["challenges"].select("user_id"), tables["messages"].select("user_id")]).unique()
    told = typed(reasons, {"player_key": pl.Int64(), "reason": pl.String()})
    seen = Seen(known, {}, NOTHING_PAID)
    return seen.select("served", addressed=addressed, reasons=told, left_alone=seen.left_alone)


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
