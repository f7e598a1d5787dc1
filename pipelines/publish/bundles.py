"""A player's bundle: one JSON document with all that their screen needs of a published night, and nothing else.

Each table's file says what of it goes in (`screen` of its contract). No history is needed beside it: what is open
stands in it whole, with `is_new` for what this night brought.
"""

import json
from collections.abc import Iterator

import polars as pl

from configs.errors import NightquestError
from data.contracts_out import REQUIREMENTS
from pipelines.publish.published import Published
from pipelines.publish.tables import Table, published_tables

AT_A_TIME = 2_000  # players in memory
_XP = "xp_ledger"
_NAMES = "names"
_PINS = ("app", "as_of", "revision", "user_id")


def player_bundle(night: Published, user_id: str) -> str:
    """One player's bundle.

    Raises:
        NightquestError: No table knows the player.
    """
    (line,) = _lines(night, pl.Series("user_id", [user_id]))
    if not any(value for name, value in json.loads(line).items() if name not in _PINS):
        raise NightquestError(
            f"The night of {night.manifest.as_of} of '{night.manifest.app}' says nothing about a player {user_id!r}.",
            "Write the id as the app's data has it; a player who never played is not in it.",
        )
    return line


def every_bundle(night: Published, *, at_a_time: int = AT_A_TIME) -> Iterator[str]:
    """The bundle of every player of whom the night says anything, in order of user_id; no line break in any.

    In memory are the ids of all players, and the rows of as many as stand `at_a_time`.
    """
    names = [*_tables(night), *({_XP} & night.manifest.tables.keys())]
    ids = pl.concat([night.scan(name).select("user_id") for name in names])
    everybody = ids.unique().sort("user_id").collect(engine="streaming")["user_id"]
    for start in range(0, everybody.len(), at_a_time):
        yield from _lines(night, everybody.slice(start, at_a_time))


def _lines(night: Published, users: pl.Series) -> list[str]:
    """A document for each of some players, who are neighbours in the order of ids."""
    manifest = night.manifest
    frame = pl.DataFrame({"user_id": users}).select(
        app=pl.lit(manifest.app),
        as_of=pl.lit(manifest.as_of),
        revision=pl.lit(manifest.revision),
        user_id=pl.col("user_id"),
    )
    among = pl.col("user_id").is_between(pl.lit(users[0]), pl.lit(users[-1]))
    ledger = night.scan(_XP).filter(among).group_by("user_id").agg(pl.col("xp").sum()).collect()
    frame = frame.join(ledger, on="user_id", how="left", maintain_order="left").with_columns(pl.col("xp").fill_null(0))
    for name, table in _tables(night).items():
        rows = _rows_by_player(night.scan(name).filter(among), table)
        frame = frame.join(rows, on="user_id", how="left", maintain_order="left")
        if _is_single(table):
            frame = frame.rename({name: name.removesuffix("s")})
        else:
            frame = frame.with_columns(pl.col(name).fill_null([]))
    if _NAMES in manifest.tables:
        frame = frame.join(_names(night, among), on="user_id", how="left", maintain_order="left")
        frame = frame.with_columns(pl.col(_NAMES).fill_null([]))
    return frame.select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list()


def _rows_by_player(rows: pl.LazyFrame, table: Table) -> pl.DataFrame:
    """user_id and, under the table's name, the player's rows: what is newer first, then in the order of the file."""
    there = rows.collect_schema().names()
    rows = rows.filter(pl.col(table.contract.told).is_not_null()) if table.contract.told else rows
    shown = pl.struct([name for name in table.contract.screen if name in there]).alias(table.name)
    if "issued_on" in there:
        rows = rows.sort("user_id", "issued_on", descending=[False, True], maintain_order=True)
    found = rows.select("user_id", shown).collect()
    return found if _is_single(table) else found.group_by("user_id", maintain_order=True).agg(pl.col(table.name))


def _names(night: Published, among: pl.Expr) -> pl.DataFrame:
    """user_id and what people call all that the player's rows name by an id, in the language that the player reads."""
    said = night.scan(_NAMES).collect()
    read = night.scan("profiles").filter(among).select("user_id", "language").collect()
    default = said.filter("is_default")["language"].first()
    mentioned = [
        night.scan(name).filter(among).select("user_id", item=_ids(column, table.contract.types[column]))
        for name, table in _tables(night).items()
        for column in table.contract.named
        if column in night.scan(name).collect_schema()
    ]
    ids = pl.concat(mentioned).explode("item").drop_nulls().unique()
    items = ids.collect().join(read, on="user_id", how="left")
    items = items.with_columns(pl.col("language").fill_null(default)).join(said, on=["item", "language"])
    told = pl.struct("kind", "item", "title", "unit", "units").alias(_NAMES)
    return items.sort("user_id", "kind", "item").group_by("user_id", maintain_order=True).agg(told)


def _ids(column: str, kind: pl.DataType) -> pl.Expr:
    """The ids that a column names, as a list: its own, or those of the metrics that are asked for."""
    if kind == REQUIREMENTS:
        return pl.col(column).list.eval(pl.element().struct.field("metric"))
    return pl.concat_list(column)


def _is_single(table: Table) -> bool:
    """Whether there is at most one row for a player, which then stands by itself."""
    return table.contract.key == ("user_id",)


def _tables(night: Published) -> dict[str, Table]:
    """What a bundle is made of, by name, as far as the night has it."""
    known = published_tables()
    return {name: known[name] for name in known if known[name].contract.screen and name in night.manifest.tables}
