"""One quick pass lets through what pandera lets through, and no more."""

import math

import pandera.polars as pa
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from data.contracts_out import breaches, contract, count, day, flag, number, share, text, whole
from pipelines.publish.tables import published_tables

COLUMNS = {
    "named": text(),
    "maybe_named": text(nullable=True),
    "kind": text(one_of=("bronze", "gold")),
    "share": share(),
    "maybe_share": share(nullable=True),
    "level": whole(1, 10),
    "any_whole": whole(None),
    "count": count(),
    "number": number(),
    "price": number(low=2.5, nullable=True),
    "fine": flag(),
    "seen_on": day(nullable=True),
}
TABLE = contract(("named",), COLUMNS)
SOUND = {
    "app": "toy",
    "as_of": None,
    "named": "a",
    "maybe_named": None,
    "kind": "gold",
    "share": 0.0,
    "maybe_share": 1.0,
    "level": 1,
    "any_whole": -7,
    "count": 0,
    "number": -1.0,
    "price": 2.5,
    "fine": False,
    "seen_on": None,
}
ODD = {
    **dict.fromkeys(("app", "named", "maybe_named", "kind"), (None, "", " ", "bronze", "silver")),
    **dict.fromkeys(("share", "maybe_share", "number", "price"), (None, math.nan, math.inf, -0.0, 1.0, 1.0000001, 2.4)),
    **dict.fromkeys(("level", "any_whole", "count"), (None, -1, 0, 10, 11)),
    "fine": (None, True),
    "seen_on": (None,),
    "as_of": (None,),
}


def keeps_by_pandera(frame: pl.DataFrame) -> bool:
    try:
        TABLE.schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors:
        return False
    return True


@st.composite
def rows(draw):
    changed = draw(st.lists(st.sampled_from(sorted(ODD)), max_size=2, unique=True))
    return SOUND | {"as_of": 0} | {name: draw(st.sampled_from(ODD[name])) for name in changed}


@settings(max_examples=50)  # pandera takes a pass for each of the rules
@given(st.lists(rows(), max_size=3))
def test_a_table_breaks_its_contract_exactly_if_pandera_says_so(found):
    frame = pl.DataFrame(found, schema=TABLE.types, orient="row")
    assert (breaches(TABLE, [frame]) == []) == keeps_by_pandera(frame)


def test_no_number_at_all_is_no_number():
    frame = pl.DataFrame([SOUND | {"as_of": 0, "number": float("nan")}], schema=TABLE.types, orient="row")
    assert breaches(TABLE, [frame]) != []
    assert not keeps_by_pandera(frame)


def test_what_breaks_a_contract_is_counted_over_all_pieces_and_a_wrong_type_told_once():
    frame = pl.DataFrame([SOUND | {"as_of": 0, "number": float("nan")}], schema=TABLE.types, orient="row")
    whole, pieces = breaches(TABLE, [pl.concat([frame] * 5)]), breaches(TABLE, [frame, pl.concat([frame] * 4)])
    assert pieces == whole
    assert "(5x)" in pieces[0]
    mistyped = frame.with_columns(number=pl.lit("one")).drop("as_of")
    assert breaches(TABLE, [mistyped, mistyped]) == breaches(TABLE, [mistyped])


def test_a_check_of_another_kind_is_still_made():
    table = contract(("named",), {"named": pa.Column(pl.String(), pa.Check.str_startswith("a"))})
    frame = pl.DataFrame({"app": ["toy", "toy"], "as_of": [0, 0], "named": ["ab", "b"]}, schema=table.types)
    assert breaches(table, [frame]) == ["named breaks str_startswith('a') (1x)"]
    assert breaches(table, [frame.head(1)]) == []


def test_every_published_table_is_passed_by_the_quick_look_alone(monkeypatch):
    """What pandera alone could pass would cost each night a look of its own for each rule."""
    monkeypatch.setattr(pa.DataFrameSchema, "validate", None)
    for table in published_tables().values():
        assert breaches(table.contract, [pl.DataFrame(schema=table.contract.types)]) == []
