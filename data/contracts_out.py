"""The words in which a published table says its contract: columns in order, types and ranges, what identifies a row.

The tables are the files of pipelines/publish/tables/. Consumers rely on them: a change that breaks a reader raises
SCHEMA_VERSION.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandera.polars as pa
import polars as pl

SCHEMA_VERSION = 2

TIME = pl.Datetime("us", "UTC")
REQUIREMENTS = pl.List(
    pl.Struct({"metric": pl.String(), "op": pl.String(), "target": pl.Float64(), "window_days": pl.Int32()})
)
REWARDS = pl.Struct({"xp": pl.Int32()})
EXTRA_REWARDS = pl.List(
    pl.Struct({"kind": pl.String(), "item": pl.String(), "amount": pl.Int32(), "words": pl.String()})
)
KINDS = ("points", "title", "unlock", "badge")
TIERS = ("bronze", "silver", "gold", "platinum")
RARITIES = ("common", "uncommon", "rare", "epic", "legendary")


@dataclass(frozen=True)
class Contract:
    """What a published table promises.

    Attributes:
        schema: Strict: exactly these columns, in this order.
        key: Identifies a row and fixes the order of rows in the file.
        shares: Columns that are probabilities or shares, 0 to 1.
        texts: Columns that a player reads.
        documents: Columns of text that hold JSON.
        named: Columns with ids that the table `names` has words for; of REQUIREMENTS those of its metrics.
        standing: Whether its size is steady from night to night, so that a fall is a sign of a fault.
        screen: Columns that a player's screen needs, which go into the player's bundle.
        told: A column that is null in rows which no player is to see; none when they may see all.
    """

    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    shares: tuple[str, ...]
    texts: tuple[str, ...]
    documents: tuple[str, ...]
    named: tuple[str, ...]
    standing: bool
    screen: tuple[str, ...] = ()
    told: str = ""

    @property
    def types(self) -> dict[str, pl.DataType]:
        """Polars type by column name, in order."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    @cached_property
    def rules(self) -> tuple[pl.Expr, ...]:
        """The schema's rules: what is true of every row that keeps them."""
        return tuple(rule for name, column in self.schema.columns.items() for rule in _rules(name, column))


def text(*, nullable: bool = False, one_of: tuple[str, ...] = (), metadata: dict[str, Any] | None = None) -> pa.Column:
    """Text; not empty, and `one_of` some where they are given."""
    checks = [pa.Check.isin(one_of)] if one_of else [pa.Check.str_length(min_value=1)]
    return pa.Column(pl.String(), checks, nullable=nullable, metadata=metadata)


def words() -> pa.Column:
    """Text that a player reads."""
    return text(metadata={"words": True})


def named(*, nullable: bool = False) -> pa.Column:
    """The id of something that the table `names` has words for."""
    return text(nullable=nullable, metadata={"named": True})


def document(*, nullable: bool = False) -> pa.Column:
    """Text that holds JSON."""
    return text(nullable=nullable, metadata={"json": True})


def share(*, nullable: bool = False) -> pa.Column:
    """A probability or a share, 0 to 1."""
    return pa.Column(pl.Float64(), pa.Check.in_range(0, 1), nullable=nullable, metadata={"share": True})


def whole(low: int | None = 0, high: int | None = None, *, nullable: bool = False) -> pa.Column:
    """A whole number of 32 bits between two bounds."""
    checks = [pa.Check.ge(low)] if low is not None else []
    return pa.Column(pl.Int32(), [*checks, *([pa.Check.le(high)] if high is not None else [])], nullable=nullable)


def count() -> pa.Column:
    """A count of 64 bits."""
    return pa.Column(pl.Int64(), pa.Check.ge(0))


def number(*, low: float | None = None, nullable: bool = False) -> pa.Column:
    """A number, not below `low`."""
    return pa.Column(pl.Float64(), pa.Check.ge(low) if low is not None else None, nullable=nullable)


def day(*, nullable: bool = False) -> pa.Column:
    """A day."""
    return pa.Column(pl.Date(), nullable=nullable)


def flag() -> pa.Column:
    """Yes or no."""
    return pa.Column(pl.Boolean())


def nested(kind: pl.DataType, *, nullable: bool = False) -> pa.Column:
    """A list or struct, such as REQUIREMENTS."""
    return pa.Column(kind, nullable=nullable, metadata={"named": kind == REQUIREMENTS})


def moment(*, nullable: bool = False) -> pa.Column:
    """A moment in UTC."""
    return pa.Column(TIME, nullable=nullable)


def contract(
    key: tuple[str, ...],
    columns: dict[str, pa.Column],
    *,
    standing: bool = True,
    screen: tuple[str, ...] = (),
    told: str = "",
) -> Contract:
    """A table's contract: `app` and `as_of` come before its own columns.

    Args:
        key: Identifies a row and fixes the order of rows in the file.
        columns: By name, in order.
        standing: Whether its size is steady from night to night.
        screen: What of it a player's screen needs; nothing of a table that is not about players.
        told: A column without which a row is for no player to see.
    """
    every = {"app": text(), "as_of": day(), **columns}

    def marked(mark: str) -> tuple[str, ...]:
        return tuple(name for name, column in every.items() if (column.metadata or {}).get(mark))

    schema = pa.DataFrameSchema(every, strict=True, ordered=True)
    kinds = {"shares": marked("share"), "texts": marked("words"), "documents": marked("json"), "named": marked("named")}
    return Contract(schema=schema, key=key, **kinds, standing=standing, screen=screen, told=told)


def writing() -> dict[str, pa.Column]:
    """Who wrote a text, and by which arm."""
    return {
        "ai_provider": text(),
        "model": text(),
        "prompt_version": text(),
        "variant": text(),
        "propensity": share(),
    }


def issued() -> dict[str, pa.Column]:
    """The night that issued it, and whether that is this one."""
    return {"issued_on": day(), "is_new": flag()}


def _rules(name: str, column: pa.Column) -> Iterator[pl.Expr]:
    value = pl.col(name)
    if not column.nullable:
        yield value.is_not_null()
        if column.dtype.type.is_float():
            yield value.is_not_nan()
    for check in column.checks:
        yield _holds(value, check)


def _holds(value: pl.Expr, check: pa.Check) -> pl.Expr:
    """One of the checks above as an expression; of any other one it is left to pandera whether it holds."""
    match check.name, check.statistics:
        case "isin", {"allowed_values": some}:
            return value.is_in(some)
        case "str_length", {"min_value": low, "max_value": None, "exact_value": None}:
            return value.str.len_chars().ge(low)
        case "in_range", {"min_value": low, "max_value": high, "include_min": True, "include_max": True}:
            return value.is_between(low, high)
        case "greater_than_or_equal_to", {"min_value": low}:
            return value.ge(low)
        case "less_than_or_equal_to", {"max_value": high}:
            return value.le(high)
    return pl.lit(value=False)


def surely_kept(table: Contract) -> pl.Expr:
    """Whether rows of a contract's types keep it, by one pass; pandera takes one a rule, and says what is wrong."""
    return pl.all_horizontal(rule.all() for rule in table.rules)


def breaches(table: Contract, pieces: Iterable[pl.DataFrame]) -> list[str]:
    """What a table, in pieces of one schema, breaks of a contract: a sentence each, with column, rule and count.

    Never a row's data.
    """
    whole, by_rule = dict[str, None](), Counter[tuple[str, str]]()
    for piece in pieces:
        if [*piece.schema.items()] == [*table.types.items()] and piece.select(surely_kept(table)).item():
            continue
        try:
            table.schema.validate(piece, lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases
        else:
            continue
        of_all = cases.filter(pl.col("column").is_null())
        whole |= {f"{row['check']}: {row['failure_case']}": None for row in of_all.to_dicts()}
        of_rules = cases.filter(pl.col("column").is_not_null())
        for column, check, rows in of_rules.group_by("column", "check", maintain_order=True).len().iter_rows():
            a_type = check.startswith("dtype(")  # of which there is one finding for a piece
            by_rule[column, check] = rows if a_type else by_rule[column, check] + rows
    return [*whole, *(f"{column} breaks {check} ({rows}x)" for (column, check), rows in by_rule.items())]
