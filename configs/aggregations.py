"""How a metric's events become one number: every aggregation is described here, once.

What is kept of a player's day merges over days, cohorts and buckets of players: how many events (n), their sum, the
lowest and highest value, whether there was any (days), and of `distinct` the keys.
"""

from dataclasses import dataclass
from typing import Literal

Name = Literal["count", "sum", "max", "min", "mean", "distinct", "days", "streak", "entity"]


@dataclass(frozen=True)
class Aggregation:
    """One way of making a number of events.

    Attributes:
        value: SQL for what merged parts come to, with {n}, {total}, {lowest}, {highest}, {days}, {keys} to be filled
            in. A count of nothing is 0, a best or a mean of nothing is null. Sums are rounded to nine decimals, so that
            neither the order of adding nor 0.1 + 0.2 decides what reaches a target.
        parts: Which of these the value rests on.
        said: What it says of the events, for a language model.
        measures: It needs `of`, the property it measures.
        adds_up: Doing more makes more of it, and what two spans come to adds up, apart from what both have.
        whole: It comes in whole numbers, whatever it measures.
        ones: Each event that counts adds one, so that a label names what is counted.
        single: It is one value among the events.
        moves_one_way: While a window runs it only ever moves towards a target, so that "crossed once" and "reached at
            the end" agree: it can be asked of a player.
        lower: Less of it may be better.
        runs: It is a run of days, which breaks.
        derived: It rests on a player's whole history, so that one late event changes other days, too; its rows are
            kept in `derived_events`.
        keyed: The different keys of a day are kept.
    """

    value: str
    parts: tuple[str, ...]
    said: str
    measures: bool = False
    adds_up: bool = False
    whole: bool = False
    ones: bool = False
    single: bool = False
    moves_one_way: bool = True
    lower: bool = False
    runs: bool = False
    derived: bool = False
    keyed: bool = False

    @property
    def grows(self) -> bool:
        """Going on makes more of it, so that '3 more' and days to go mean something: what adds up, and runs of days."""
        return self.adds_up or self.runs

    def sql(self, **parts: str) -> str:
        """The value in SQL, from SQL for each of its parts (others may be given, too)."""
        return self.value.format(**parts)


_N = "coalesce({n}, 0)"
AGGREGATIONS: dict[str, Aggregation] = {
    "count": Aggregation(_N, ("n",), "how often it was done", adds_up=True, whole=True, ones=True),
    "sum": Aggregation(
        "round(coalesce({total}, 0)::DOUBLE, 9)",
        ("total",),
        "the total over all of them",
        measures=True,
        adds_up=True,
    ),
    "max": Aggregation("{highest}", ("highest",), "the best single one", measures=True, single=True),
    "min": Aggregation("{lowest}", ("lowest",), "the lowest single one", measures=True, single=True, lower=True),
    "mean": Aggregation(
        "round({total} / nullif({n}, 0), 9)",
        ("total", "n"),
        "the average",
        measures=True,
        single=True,
        moves_one_way=False,
        lower=True,
    ),
    "distinct": Aggregation(
        "coalesce({keys}, 0)",
        ("keys",),
        "how many different ones",
        measures=True,
        adds_up=True,
        whole=True,
        ones=True,
        keyed=True,
    ),
    "days": Aggregation("coalesce({days}, 0)", ("days",), "on how many days", adds_up=True, whole=True),
    "streak": Aggregation(
        "{highest}",
        ("highest",),
        "how many days in a row",
        whole=True,
        moves_one_way=False,
        runs=True,
        derived=True,
    ),
    "entity": Aggregation(
        _N, ("n",), "how many of them got there", measures=True, adds_up=True, whole=True, ones=True, derived=True
    ),
}


def macros_sql() -> str:
    """DuckDB macros for the SQL in data/sql: part_value, is_derived, is_keyed, adds_up."""
    columns = {name: name for name in ("n", "total", "lowest", "highest", "days", "keys")}
    cases = " ".join(f"WHEN '{name}' THEN ({one.sql(**columns)})::DOUBLE" for name, one in AGGREGATIONS.items())
    value = f"CREATE OR REPLACE TEMP MACRO part_value(agg, {', '.join(columns)}) AS CASE agg {cases} END;"
    return value + "".join(
        f"CREATE OR REPLACE TEMP MACRO {macro}(agg) AS agg IN ({_listed(macro.removeprefix('is_'))});"
        for macro in ("is_derived", "is_keyed", "adds_up")
    )


def _listed(trait: str) -> str:
    return ", ".join(f"'{name}'" for name, one in AGGREGATIONS.items() if getattr(one, trait))
