"""JSON in any layout: arrays, objects over several lines, one a line; what is broken costs as little as it can."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.warehouse import scratch
from pipelines.activity.read_json import split_objects
from pipelines.activity.read_text import Limits
from pipelines.activity.refused import FileRefusedError
from tests.pipelines.activity.deliveries import LEAN, as_jsonl, deliver, events_of, only, quarantine, solve, users

ROWS = [solve("ann", points=1, topic='a "quoted" ] } \\'), solve("böb", points=2, topic="{[,"), solve("cy", value=3)]
LAYOUTS = {
    "compact": json.dumps(ROWS),
    "indented": json.dumps(ROWS, indent=2, ensure_ascii=False),
    "tabs": json.dumps(ROWS, indent="\t"),
    "a line each": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "windows": json.dumps(ROWS, indent=2).replace("\n", "\r\n"),
    "marked": "\ufeff \n" + json.dumps(ROWS),
    "as a record store answers": json.dumps({"statements": ROWS, "more": ""}),
    "so, indented": json.dumps({"more": None, "statements": ROWS}, indent=2),
    "objects over lines": "\n".join(json.dumps(row, indent=2) for row in ROWS),
    "objects run together": "".join(json.dumps(row, indent=2) for row in ROWS),
}
# What may take a reader in: brackets, quotes and escapes within texts, line ends, letters of several bytes.
TEXTS = st.text('{}[]",:\\\n\u2028\x00 aé🙂', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ROWS_OF_ANYTHING = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4)


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


@pytest.fixture(name="as_lines", scope="module")
def _as_lines(tmp_path_factory):
    """The events of ROWS, delivered one a line."""
    with scratch() as warehouse:
        deliver(warehouse, LEAN, tmp_path_factory.mktemp("lines"), {"rows.jsonl": as_jsonl(ROWS)})
        return events_of(warehouse)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["rows.json", "rows.txt", "rows.json.gz"])
def test_json_in_any_layout_is_taken_as_json_lines_are(warehouse, as_lines, tmp_path, layout, name):
    content = LAYOUTS[layout].encode()
    result = deliver(warehouse, LEAN, tmp_path, {name: gzip.compress(content) if name.endswith("gz") else content})
    assert (result.taken, result.refused) == (3, 0)
    assert events_of(warehouse).equals(as_lines)


def test_a_source_reads_an_array_as_it_reads_lines(warehouse, tmp_path):
    sql = "SELECT who AS user_id, 'solve' AS event, at AS occurred_at, _delivery_id, _row FROM raw_games"
    games = json.dumps([{"who": "ann", "at": "2024-05-01T10:00:00Z"}, {"who": "bob", "at": "2024-05-02"}], indent=1)
    result = deliver(warehouse, LEAN, tmp_path, {"games.json": games}, source_sql=sql)
    assert (result.taken, users(warehouse)) == (2, ["ann", "bob"])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('{"user_id": "ann" "event": "solve"}', "not valid JSON"),
        ('{"user_id": "ann,\n"event": "solve"}', "not valid JSON"),
        ("17", "not a JSON object"),
        ("null", "not a JSON object"),
        ('["ann"]', "not a JSON object"),
        ('{"user_id": "ann", "user_id": "bob"}', "names 'user_id' twice"),
        ('{"who": "ann"}', "unknown field 'who'"),
    ],
)
def test_a_broken_element_goes_to_quarantine_with_its_line_and_the_others_go_in(warehouse, tmp_path, broken, reason):
    elements = [json.dumps(solve("first")), broken, json.dumps(solve("last"))]
    deliver(warehouse, LEAN, tmp_path, {"rows.json": "[\n" + ",\n".join(elements) + "\n]"})
    assert sorted(users(warehouse)) == ["first", "last"]
    ((_, line, raw, told),) = quarantine(warehouse)
    assert (line, raw, reason in told) == (3, broken, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LAYOUTS["compact"][:-1], "cut short"),
        (LAYOUTS["compact"][:-30], "cut short"),
        (LAYOUTS["objects over lines"][:-9], "cut short"),
        (LAYOUTS["compact"] + "\n" + LAYOUTS["compact"], "more follows"),
        (LAYOUTS["compact"].replace("}]", "}}]"), "more follows"),
        (LAYOUTS["compact"].replace("}, {", ", {"), "brackets do not match"),
    ],
)
def test_json_without_its_end_is_refused_whole(warehouse, tmp_path, content, reason):
    result = deliver(warehouse, LEAN, tmp_path, {"rows.json": content, "good.jsonl": as_jsonl([solve("good")])})
    (refused,) = result.refused_files
    assert reason in refused.reason
    assert users(warehouse) == ["good"]


def test_an_object_longer_than_a_line_may_be_costs_only_itself(warehouse, tmp_path):
    rows = [solve("long", topic="x" * 3000), solve("short")]
    result = deliver(
        warehouse,
        LEAN,
        tmp_path,
        {"rows.json": json.dumps(rows)},
        limits=Limits(line_bytes=1 << 10, block_bytes=1 << 12),
    )
    assert (users(warehouse), only(result).rows_refused) == (["short"], 1)


def test_an_array_is_read_block_by_block_however_long_it_is():
    def chunks():
        yield b"["
        for n in range(50):
            asked.append(n)
            yield json.dumps([{"n": n}] * 100)[1:-1].encode() + b","
        yield b"{}]"

    asked = []
    seen = [(len(asked), len(block.texts)) for block in split_objects(chunks(), Limits(), in_array=True)]
    assert sum(n for _, n in seen) == 5001
    assert [n_asked for n_asked, _ in seen] == [0, *range(1, 51), 50]


@given(ROWS_OF_ANYTHING, st.sampled_from([None, 0, 3]), st.integers(1, 60), st.booleans())
def test_every_object_comes_out_as_it_went_in_however_it_is_laid_out_and_cut(rows, indent, size, in_array):
    dumped = [json.dumps(row, indent=indent, ensure_ascii=False) for row in rows]
    text = (f"[{', '.join(dumped)} ]" if in_array else "\n".join(dumped)).encode()
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    found = [json.loads(raw) for block in split_objects(chunks, Limits(), in_array=in_array) for raw in block.texts]
    assert found == rows


def test_a_missing_end_is_told_by_the_line_on_which_it_begins():
    with pytest.raises(FileRefusedError, match="line 3"):
        list(split_objects([b'[{"a": 1},\n{"a": 2},\n{"a": \n'], Limits(), in_array=True))
