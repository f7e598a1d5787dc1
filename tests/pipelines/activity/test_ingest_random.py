"""Whatever is delivered, however it is cut and ordered: nothing is lost, doubled, or different in the end."""

import csv
import io
import json
import string
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from data.warehouse import scratch
from pipelines.activity.parts import refresh_parts
from pipelines.activity.read_files import read_blocks
from pipelines.activity.read_text import Limits
from tests.factories import make_app
from tests.pipelines.activity.deliveries import (
    COLUMNS,
    LEAN,
    as_csv,
    as_jsonl,
    deliver,
    events_of,
    parts_of,
    solve,
    users,
)

pytestmark = pytest.mark.long

QUICK = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
APP = make_app(timezone="Europe/Berlin", day_starts_at="04:00")


def occurrence(minutes: int) -> str:
    """A moment in the twelve days around the change of the clocks."""
    day, minute = divmod(minutes, 1440)
    return f"2024-03-{25 + day:02d}T{minute // 60:02d}:{minute % 60:02d}:00Z"


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    picks = draw(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.integers(0, 7 * 1440 - 1),
                st.booleans(),
                st.integers(0, 9),
                st.sampled_from("xyz"),
            ),
            min_size=1,
            max_size=30,
        )
    )
    return [
        solve(user, occurrence(at), event_id=f"e{i}", points=number, topic=key)
        if own
        else solve(user, occurrence(at), event_id=f"e{i}", event="liked", delta=number % 3 - 1, post_id=key)
        for i, (user, at, own, number, key) in enumerate(picks)
    ]


@QUICK
@given(rows=events(), data=st.data())
def test_deliveries_in_any_cut_order_and_repetition_end_as_one_delivery_does(rows, data):
    order = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    pieces = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    pieces.append(data.draw(st.lists(st.sampled_from(rows), max_size=5)))  # some of it a second time
    with tempfile.TemporaryDirectory() as folder, scratch() as once, scratch() as bit_by_bit:
        deliver(once, APP, Path(folder), {"all.csv": as_csv(rows)}, history=True)
        for i, piece in enumerate(filter(None, pieces)):
            as_text = as_csv if i % 2 else as_jsonl
            result = deliver(bit_by_bit, APP, Path(folder), {f"{i}.txt": as_text(piece)}, history=True)
            assert result.refused == 0
        assert events_of(bit_by_bit).equals(events_of(once))
        assert parts_of(bit_by_bit) == parts_of(once)
        refresh_parts(bit_by_bit, APP, None)
        assert parts_of(bit_by_bit) == parts_of(once)


WORDS = (
    *(
        "",
        " ",
        "null",
        "NaN",
        "inf",
        "-0",
        "1e400",
        "0x1F",
        "=1+1",
        "'",
        '"',
        "{",
        "{}",
        "[]",
        "\\",
        "%s",
        "\x00",
        "\u2028",
    ),
    *("solve", "liked", "2024-05-01", "2024-05-01T10:00:00Z", "2024-13-01", "epoch", "infinity", "1714557600", "24:00"),
    *('{"points": 1}', '{"points": null}', '{"points": 1e999}', '{"a": {"b": []}}', '"text"', "9" * 30, "x" * 300, "é"),
)
JSON_BITS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b"{}",
    b'"user_id"',
    b"\xff",
    b'{"event": "solve"}',
)
NASTY = st.sampled_from(WORDS) | st.text(max_size=12)
ROW = st.one_of(
    st.fixed_dictionaries(dict.fromkeys(COLUMNS, NASTY)),
    st.builds(lambda row, change: row | change, st.just(solve()), st.dictionaries(st.sampled_from(COLUMNS), NASTY)),
)


@QUICK
@given(rows=st.lists(ROW, min_size=1, max_size=20), form=st.sampled_from(["csv", "jsonl", "json"]))
def test_every_row_is_taken_known_or_refused_whatever_it_holds(rows, form):
    text = {"csv": as_csv(rows, columns=COLUMNS), "jsonl": as_jsonl(rows), "json": json.dumps(rows, indent=1)}[form]
    with tempfile.TemporaryDirectory() as folder, scratch() as warehouse:
        files = {f"a.{form}": text, "b.csv": as_csv([solve("good", points=1)])}
        first, second = deliver(warehouse, LEAN, Path(folder), files).deliveries
        assert (first.state, second.state) == ("taken", "taken")
        assert first.rows_read == first.rows_taken + first.rows_known + first.rows_refused
        assert first.rows_read == len(rows)
        assert first.rows_refused == warehouse.value("SELECT count(*) FROM quarantine WHERE reason <> '' AND line > 0")
        assert second.rows_taken + second.rows_known == 1
        built = parts_of(warehouse)
        refresh_parts(warehouse, LEAN, None)
        assert parts_of(warehouse) == built


@QUICK
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet=string.printable, max_size=300).map(str.encode),
        st.lists(st.binary(max_size=40), max_size=6).map(
            lambda lines: b"user_id,event,occurred_at\n" + b"\n".join(lines)
        ),
        st.lists(st.binary(max_size=40), max_size=6).map(lambda lines: b"\n".join([b"{}", *lines])),
        st.lists(st.sampled_from(JSON_BITS), max_size=20).map(lambda bits: b"[" + b"".join(bits)),
    ),
    name=st.sampled_from(["a.csv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz", "a.zst", "a"]),
)
def test_any_bytes_are_refused_or_read_and_cost_no_other_file(content, name):
    with tempfile.TemporaryDirectory() as folder, scratch() as warehouse:
        files = {name: content, "z.csv": as_csv([solve("good", points=1)])}
        first, second = deliver(
            warehouse, LEAN, Path(folder), files, limits=Limits(block_bytes=64, line_bytes=100)
        ).deliveries
        assert first.state in {"taken", "refused"}
        assert bool(first.reason) == (first.state == "refused")
        assert second.rows_taken == 1
        assert users(warehouse).count("good") == 1


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff", exclude_categories=["Cc"]) | st.just("\n"),
    max_size=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(8, 200),
)
def test_delimited_text_is_read_as_it_was_written_however_it_is_cut_into_blocks(rows, delimiter, ending, size):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=ending)
    lines = []
    for row in [["a", "b", "c"], *rows]:
        lines.append(stream.getvalue().count("\n") + 1)
        writer.writerow(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(stream.getvalue().encode())
        blocks = list(read_blocks(path, ("a", "b", "c"), Limits(block_bytes=size)))
    assert [bad for block in blocks for bad in block.bad] == []
    found = pl.concat([block.frame for block in blocks])
    kept = [(line, row) for line, row in zip(lines[1:], rows, strict=True) if any(cell.strip() for cell in row)]
    written = [(line, [cell or None for cell in row]) for line, row in kept]
    read = [(line, list(row)) for line, _, *row in found.iter_rows() if any((cell or "").strip() for cell in row)]
    assert read == written


@QUICK
@given(st.dictionaries(st.sampled_from(["points", "topic"]), st.none() | st.integers(0, 99) | st.text(max_size=9)))
def test_an_event_says_the_same_from_csv_and_from_json(properties):
    row = solve("ann", properties=json.dumps(properties, ensure_ascii=False))
    found = []
    for name, text in {"a.csv": as_csv([row]), "a.jsonl": as_jsonl([row | {"properties": properties}])}.items():
        with tempfile.TemporaryDirectory() as folder, scratch() as warehouse:
            with suppress(NightquestError):  # its one row may be refused; the reason is compared below
                deliver(warehouse, LEAN, Path(folder), {name: text})
            found.append((events_of(warehouse), warehouse.value("SELECT min(reason) FROM quarantine")))
    assert found[0][0].equals(found[1][0])
    assert found[0][1] == found[1][1]
