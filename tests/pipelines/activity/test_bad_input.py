"""What is wrong with a delivery costs the row or file that is wrong, and is told; never more, never in silence."""

import datetime as dt
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.errors import NightquestError
from data.warehouse import Warehouse, open_warehouse, scratch
from pipelines.activity.ingest import IngestResult, ingest_files
from pipelines.activity.read_text import Limits
from pipelines.activity.refused import RAW_CHARACTERS
from tests.pipelines.activity.deliveries import (
    AT,
    COLUMNS,
    LEAN,
    NOW,
    as_csv,
    as_jsonl,
    deliver,
    only,
    quarantine,
    solve,
    users,
    write,
)

GOOD = as_csv([solve("good", points=1)])


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


def parquet(**columns: Any) -> bytes:
    table = pa.table({"user_id": ["ann"], "event": ["solve"], "occurred_at": [AT]} | columns)
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def zstd(content: bytes) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as out:
        out.write(content)
    return stream.getvalue().to_pybytes()


MANY = as_csv([solve(f"u{i}", points=i) for i in range(500)]).encode()


BAD_FILES = [
    ("empty.csv", b"", "The file is empty; deliver it again."),
    ("blank.csv", b"\n \n\n", "holds only blank lines"),
    ("empty.csv.gz", gzip.compress(b""), "empty once decompressed"),
    ("bytes.csv", bytes(range(256)) * 40, "The file is binary, not text"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"x" * 100, "The file is a picture, not text"),
    ("book.csv", b"PK\x03\x04" + b"x" * 100, "a ZIP archive or an Excel workbook"),
    ("carets.csv", GOOD.replace(",", "^"), "is no header with user_id, event, occurred_at"),
    ("headless.csv", GOOD.split("\r\n", 1)[1], "is no header with user_id, event, occurred_at"),
    ("mac.csv", GOOD.replace("\r\n", "\r"), "is no header with user_id, event, occurred_at"),
    ("twice.csv", f"user_id,event,occurred_at,event\r\nann,solve,{AT},solve", "'event' stands twice"),
    ("own.csv", f"user_id,event,occurred_at,_raw\r\nann,solve,{AT},x", "'_raw' is Nightquest's own"),
    ("extra.csv", f"user_id,event,occurred_at,raw\r\nann,solve,{AT},x", "The column 'raw' is unknown"),
    ("wide.csv", GOOD.encode("utf-16"), "The file is UTF-16 text; save it as UTF-8."),
    ("wide_bare.csv", GOOD.encode("utf-16-le"), "The file is UTF-16 text; save it as UTF-8."),
    ("array.json", f"[{as_jsonl([solve()])}", "has no end: the file was cut short"),
    ("cut.csv.gz", gzip.compress(MANY)[:-9], "damaged or cut short"),
    ("cut.csv.zst", zstd(MANY)[:-2], "damaged or cut short"),
    ("odd.csv.gz", gzip.compress(MANY) + b"more", "damaged or cut short"),
    ("plain.csv.zst", GOOD + "\n", "is named .zst and is not compressed that way"),
    ("cut.parquet", parquet()[:-20], "The Parquet file is damaged"),
    ("text.parquet", GOOD + "\n\n", "The Parquet file is damaged"),
    ("seconds.parquet", parquet(occurred_at=[1_714_557_600]), "'occurred_at' is bigint; it may be text or a date"),
    ("halves.parquet", parquet(user_id=[1.5]), "'user_id' is double; it may be text or a whole number"),
    ("lists.parquet", parquet(user_id=[["a", "b"]]), "'user_id' is varchar[]; it may be text or a whole number"),
    ("bytes.parquet", parquet(user_id=[b"\xff"]), "'user_id' is blob; it may be text or a whole number"),
    ("huge.parquet", parquet(value=pa.array([1], pa.decimal256(50, 2))), "is decimal256(50, 2), which cannot be"),
    (
        "fields.jsonl",
        f'{{"user": "ann", "event": "solve", "ts": "{AT}"}}',
        "It lacks 'user_id' and 'occurred_at'; it has event, ts",
    ),
    (
        "nouser.parquet",
        parquet().replace(b"user_id", b"user_xx"),
        "It lacks 'user_id'; it has user_xx, event, occurred_at; 'user_xx' is perhaps its 'user_id'",
    ),
    (
        "people.csv",
        f"user_id,recorded_at,timezone\nann,{AT},UTC\n",
        "it has user_id, recorded_at, timezone: players rather than events, so take it with --players",
    ),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """All the bad files in one folder with three good ones: what was taken, and why each other file was not."""
    files = {name: content for name, content, _ in BAD_FILES}
    good = {"a.csv": GOOD, "m.parquet": parquet(user_id=["middle"]), "z.jsonl": as_jsonl([solve("last")])}
    folder = tmp_path_factory.mktemp("files")
    write(folder, files | good)
    with scratch() as warehouse:
        result = deliver_paths(warehouse, [folder])
        reasons = {name: reason for name, line, raw, reason in quarantine(warehouse) if line is None and raw is None}
        return result, users(warehouse), reasons


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, _, reason in BAD_FILES])
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(refusals, name, reason):
    result, _, reasons = refusals
    assert reason in reasons[name]
    assert {Path(d.file).name: d.reason for d in result.refused_files}[name] == reasons[name]


def test_files_that_cannot_be_read_cost_no_other_file(refusals):
    result, found, reasons = refusals
    assert sorted(found) == ["good", "last", "middle"]
    assert (result.taken, result.refused, len(reasons)) == (3, 0, len(BAD_FILES))


def test_an_archive_that_swells_beyond_its_size_is_refused_before_it_fills_the_machine(warehouse, tmp_path):
    bomb = gzip.compress(b"x" * 20_000_000)
    limits = Limits(ratio_from_bytes=1 << 20, block_bytes=1 << 18)
    result = deliver(warehouse, LEAN, tmp_path, {"bomb.csv.gz": bomb, "b.csv": GOOD}, limits=limits)
    assert "swells to more than 200 times its size" in result.refused_files[0].reason
    assert users(warehouse) == ["good"]


def test_a_refused_file_leaves_nothing_behind_even_when_its_first_blocks_were_good(warehouse, tmp_path):
    header, rows = MANY.split(b"\n", 1)
    files = {"a.csv.gz": gzip.compress(header + b"\nbad line\n,,,\n" + rows)[:-9], "b.csv": GOOD}
    result = deliver(warehouse, LEAN, tmp_path, files, limits=Limits(block_bytes=1 << 14))
    assert [d.state for d in result.deliveries] == ["refused", "taken"]
    assert (result.taken, result.refused) == (1, 0)
    assert users(warehouse) == ["good"]
    assert [row[1] for row in quarantine(warehouse)] == [None]


def test_a_delivery_of_which_nothing_can_be_read_is_an_error_and_its_files_stand_in_quarantine(warehouse, tmp_path):
    with pytest.raises(NightquestError, match=r"Nothing was taken. .*a.csv \(and 1 more\): The file is empty"):
        deliver(warehouse, LEAN, tmp_path, {"a.csv": "", "b.csv": b"\x00" * 99})
    assert [row[0] for row in quarantine(warehouse)] == ["a.csv", "b.csv"]


def test_a_file_refused_again_for_the_same_reason_stands_in_quarantine_once(warehouse, tmp_path):
    for content in ("", "", "no header\n"):
        with pytest.raises(NightquestError, match="Nothing was taken"):
            deliver(warehouse, LEAN, tmp_path, {"a.csv": content})
    assert len(quarantine(warehouse)) == 2


def test_a_file_that_was_refused_is_taken_once_it_is_mended(warehouse, tmp_path):
    with pytest.raises(NightquestError, match="is no header with user_id"):
        deliver(warehouse, LEAN, tmp_path, {"a.csv": GOOD.replace("user_id", "user")})
    assert deliver(warehouse, LEAN, tmp_path, {"a.csv": GOOD}).taken == 1


BAD_ROWS = [
    (solve("ann", "1970-01-01T00:00:00Z"), "occurred_at is before 2000-01-01, the app file's `earliest`"),
    (solve("ann", "2024-06-02T07:00:00Z"), "occurred_at is in the future"),
    (solve("ann", "infinity"), "occurred_at 'infinity' is not a date and time such as"),
    (solve("ann", "1714557600"), "occurred_at '1714557600' is a count of seconds"),
    (solve("ann", "31/05/2024 14:05"), "occurred_at '31/05/2024 14:05' does not say which number is the day"),
    (solve("ann", "2024-02-30T10:00:00Z"), "occurred_at '2024-02-30T10:00:00Z' is not a date and time"),
    (solve("ann", ""), "occurred_at is missing"),
    (solve(""), "user_id is missing"),
    (solve("a" * 257), "user_id is longer than 256 characters"),
    (solve("a\tb\x07"), "user_id holds a control character"),
    (solve(event="sove"), "unknown event 'sove'; this app has solve, liked, nightquest.shown"),
    (solve(value="NaN"), "value is NaN or infinite"),
    (solve(value="-inf"), "value is NaN or infinite"),
    (solve(value="1e999"), "value is NaN or infinite"),
    (solve(value="1,5"), "value '1,5' is not a number"),
    (solve(sequence="1.5"), "sequence '1.5' is not a whole number"),
    (solve(sequence="99999999999999999999"), "sequence '99999999999999999999' does not fit into 64 bits"),
    (solve(points="many"), "property points is not a number"),
    (solve(points=-1), "property points is below 0"),
    (solve(points=1.5e308), "property points is beyond 1e15, up to which numbers are counted"),
    (solve(pionts=1), "unknown property 'pionts' of solve; it has points, topic"),
    (solve(properties='{"topic": "a", "topic": "b"}'), "properties names 'topic' twice"),
    (solve(properties="{"), "properties is not valid JSON"),
    (solve(properties="[1]"), "properties is not a JSON object"),
    (solve(event="nightquest.shown"), "content_id is missing"),
    (solve(event="nightquest.rated", value=6, content_id="c"), "value is above 5"),
]


@pytest.fixture(scope="module", params=["csv", "jsonl"])
def mixed(request, tmp_path_factory):
    """Bad rows, each between two good ones: the delivery, its text, the users taken and the quarantine by line."""
    rows = [row for bad, _ in BAD_ROWS for row in (solve("before", points=1), bad)] + [solve("after", points=2)]
    text = as_csv(rows, columns=COLUMNS) if request.param == "csv" else as_jsonl(rows)
    with scratch() as warehouse:
        result = deliver(warehouse, LEAN, tmp_path_factory.mktemp("rows"), {f"a.{request.param}": text})
        found = {line: (raw, reason) for _, line, raw, reason in quarantine(warehouse)}
        return only(result), text.splitlines(), users(warehouse), found


@pytest.mark.parametrize("at", range(len(BAD_ROWS)), ids=[reason[:40] for _, reason in BAD_ROWS])
def test_a_row_that_breaks_the_contract_is_quarantined_with_line_text_and_reason(mixed, at):
    delivery, lines, _, found = mixed
    line = 2 * at + (3 if delivery.file.endswith("csv") else 2)
    raw, reason = found[line]
    assert raw == lines[line - 1]
    assert reason.startswith(BAD_ROWS[at][1])


def test_the_reasons_of_refused_rows_are_told_with_the_first_of_each(warehouse, tmp_path):
    rows = [solve(), solve(event="nap"), solve(value="x"), solve(event="nap")]
    reasons = deliver(warehouse, LEAN, tmp_path, {"a.csv": as_csv(rows, columns=COLUMNS)}).reasons
    assert [(r.reason[:19], r.rows, Path(r.file).name, r.line) for r in reasons] == [
        ("unknown event 'nap'", 2, "a.csv", 3),
        ("value 'x' is not a ", 1, "a.csv", 4),
    ]


def test_rows_that_break_the_contract_cost_no_other_row(mixed):
    delivery, _, found, _ = mixed
    n = len(BAD_ROWS)
    assert found == ["after"] + ["before"] * n
    assert (delivery.rows_read, delivery.rows_taken, delivery.rows_refused) == (2 * n + 1, n + 1, n)


BROKEN = {
    "csv": [
        (f"ann,solve,{AT},", "the line has 4 fields and the header has 3"),
        ("ann;solve;2024-05-01", "the line has 1 field and the header has 3"),
        (f'ann,"solve,{AT}', "the quoting of the line is broken"),
        (f'a"nn,"so"lve,{AT}', "the quoting of the line is broken"),
        (f"a\x00nn,solve,{AT}", "user_id holds a control character"),
    ],
    "jsonl": [
        ("{", "the line is not valid JSON"),
        ('{"user_id": "a", ' + as_jsonl([solve()]).strip()[1:], "the line names 'user_id' twice"),
        ("[]", "the line is not a JSON object"),
        (as_jsonl([solve() | {"user": "x"}]).strip(), "unknown field 'user'; put it into properties"),
        (as_jsonl([solve() | {"user_id": 1.5}]).strip(), "user_id is not text"),
        (as_jsonl([solve(points=float("nan"))]).strip(), "property points is NaN or infinite"),
        (as_jsonl([solve()]).strip()[:-1] + ', "value": 1e999}', "value is NaN or infinite"),
        (as_jsonl([solve()]).strip()[:-1] + ', "properties": ' + '{"topic": ' * 9000 + "0" + "}" * 9001, "property"),
    ],
}


@pytest.mark.parametrize("form", BROKEN)
def test_a_broken_line_costs_only_itself(warehouse, tmp_path, form):
    good = {"csv": f"ok,solve,{AT}\n", "jsonl": as_jsonl([solve("ok")])}[form]
    head = "user_id,event,occurred_at\n" if form == "csv" else ""
    deliver(
        warehouse, LEAN, tmp_path, {f"a.{form}": head + "".join(f"{good}{line}\n" for line, _ in BROKEN[form]) + good}
    )
    assert users(warehouse) == ["ok"] * (len(BROKEN[form]) + 1)
    found = quarantine(warehouse)
    lines = [2 * i + 2 + bool(head) for i in range(len(BROKEN[form]))]
    assert [(line, raw) for _, line, raw, _ in found] == [
        (line, raw[:RAW_CHARACTERS]) for line, (raw, _) in zip(lines, BROKEN[form], strict=True)
    ]
    for (_, _, _, reason), (_, expected) in zip(found, BROKEN[form], strict=True):
        assert reason.startswith(expected)


def test_a_parquet_row_with_nan_among_its_properties_is_quarantined_as_json_text(warehouse, tmp_path):
    file = parquet(properties=[{"points": float("nan"), "topic": "x"}])
    assert deliver(warehouse, LEAN, tmp_path, {"a.parquet": file, "b.csv": GOOD}).taken == 1
    ((_, line, raw, reason),) = quarantine(warehouse)
    assert (line, reason) == (1, "property points is NaN or infinite")
    assert raw is not None
    assert '"user_id":"ann"' in raw


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("place", ["middle", "end"])
def test_a_line_of_ten_megabytes_is_quarantined_by_its_beginning(warehouse, tmp_path, form, place):
    rows = [solve("first", topic="a"), solve("long", topic="x" * 10_000_000), solve("third", topic="b")]
    rows = rows if place == "middle" else [rows[0], rows[2], rows[1]]
    text = as_csv(rows) if form == "csv" else as_jsonl(rows)
    deliver(warehouse, LEAN, tmp_path, {f"a.{form}": text}, limits=Limits(block_bytes=3 << 20))
    assert users(warehouse) == ["first", "third"]
    ((_, line, raw, reason),) = quarantine(warehouse)
    assert line == (3 if form == "csv" else 2) + (place == "end")
    assert reason.startswith("the line is longer than 1 MiB")
    assert raw is not None
    assert "long" in raw
    assert len(raw) == RAW_CHARACTERS


def test_lines_in_another_encoding_are_quarantined_and_readable_there(warehouse, tmp_path):
    text = as_csv([solve("anna"), solve("jos\xe9"), solve("zoe")]).encode("latin-1")
    deliver(warehouse, LEAN, tmp_path, {"a.csv": text})
    assert users(warehouse) == ["anna", "zoe"]
    assert quarantine(warehouse) == [
        ("a.csv", 3, rf"jos\xe9,solve,{AT}", "the line is not UTF-8 text; save the file as UTF-8")
    ]


STRANGE = ["=cmd|'/c calc'!A0", "'); DROP TABLE events; --", "../../etc/passwd", "\u202eabc", "NULL", "null", "{}", "'"]


def test_a_user_id_is_text_and_nothing_else(warehouse, tmp_path):
    files = {
        "a.csv": as_csv([solve(user, points=1) for user in STRANGE]),
        "b.jsonl": as_jsonl([solve(user, "2024-05-02T10:00:00Z", points=2) for user in STRANGE]),
        "c.parquet": parquet(user_id=STRANGE, event=["solve"] * len(STRANGE), occurred_at=[NOW] * len(STRANGE)),
    }
    deliver(warehouse, LEAN, tmp_path, files)
    assert sorted(users(warehouse)) == sorted(STRANGE * 3)
    assert sorted(warehouse.frame("SELECT user_id FROM players")["user_id"]) == sorted(STRANGE)
    sums = warehouse.frame("SELECT sum(sum) AS points FROM player_days WHERE metric = 'points' GROUP BY player_key")
    assert sums["points"].to_list() == [3] * len(STRANGE)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


def test_what_looks_like_sql_in_any_field_or_file_name_is_data(warehouse, tmp_path):
    rows = [solve(event_id="'; DROP TABLE players; --", topic="x'); DELETE FROM events; --"), solve("bob", event="'--")]
    assert deliver(warehouse, LEAN, tmp_path, {"a'; DROP TABLE deliveries;.csv": as_csv(rows)}).taken == 1
    assert warehouse.value("SELECT properties ->> '$.topic' FROM events") == "x'); DELETE FROM events; --"
    assert warehouse.value("SELECT count(*) FROM deliveries") == 1


@pytest.mark.parametrize("path", ["missing.csv", "x" * 5000, "null\x00byte"])
def test_a_path_that_is_not_there_is_an_error_with_a_remedy(warehouse, tmp_path, path):
    with pytest.raises(NightquestError, match="There is no file or folder"):
        deliver_paths(warehouse, [tmp_path / path])


def test_a_pipe_is_no_delivery(warehouse, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(NightquestError, match="neither a file nor a folder"):
        deliver_paths(warehouse, [tmp_path / "pipe.csv"])


def test_a_folder_without_data_is_an_error_and_other_files_in_a_folder_are_told(warehouse, tmp_path):
    write(tmp_path, {"notes.md": "x"})
    with pytest.raises(NightquestError, match="holds no CSV, JSON or Parquet file"):
        deliver_paths(warehouse, [tmp_path])
    write(tmp_path, {"in/b.csv": GOOD, ".hidden.csv": GOOD})
    result = deliver_paths(warehouse, [tmp_path])
    told = [(Path(d.file).name, d.state) for d in result.deliveries]
    assert told == [("b.csv", "taken"), (".hidden.csv", "ignored"), ("notes.md", "ignored")]


def test_two_processes_cannot_write_one_warehouse(tmp_path):
    script = "import sys; from configs.errors import BusyError; from data.warehouse import open_warehouse\n"
    script += "from pathlib import Path\ntry:\n    open_warehouse(Path(sys.argv[1]), 'toy').__enter__()\n"
    script += "except BusyError as error:\n    print(error)"
    with open_warehouse(tmp_path, "toy"):
        run = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert "'toy'" in run.stdout


def deliver_paths(warehouse: Warehouse, paths: list[Path]) -> IngestResult:
    return ingest_files(warehouse, LEAN, paths, now=NOW, history=False)


def test_a_delivery_whose_every_row_is_refused_fails_with_the_reason_and_may_come_again(warehouse, tmp_path):
    old = {"a.csv": as_csv([solve(f"u{i}", "1997-01-01T10:00:00Z") for i in range(5)])}
    for hours in range(2):
        with pytest.raises(NightquestError, match=r"5 rows refused, of which 5 because .*before 2000-01-01.*a.csv:2"):
            deliver(warehouse, LEAN, tmp_path, old, now=NOW + dt.timedelta(hours=hours))
    assert {row[0] for row in quarantine(warehouse)} == {"a.csv"}
    assert warehouse.value("SELECT count(*) FROM deliveries") == 0


def test_a_header_that_is_none_is_told_with_the_columns_it_seems_to_name(warehouse, tmp_path):
    with pytest.raises(NightquestError, match="it has customer_id, date, cds, dollars"):
        deliver(warehouse, LEAN, tmp_path, {"a.txt": "customer_id date cds dollars\n1 19970101 1 11.77\n"})


def test_linked_folders_are_read_once_and_dangling_links_are_named(warehouse, tmp_path):
    write(tmp_path, {"in/a.csv": GOOD, "far/b.csv": as_csv([solve("far")])})
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "far")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "inbox").symlink_to(tmp_path / "in")
    result = deliver_paths(warehouse, [tmp_path / "inbox"])
    assert sorted(users(warehouse)) == ["far", "good"]
    assert [d.reason for d in result.deliveries if d.state == "ignored"] == ["is a link to what is not there"]


def test_hidden_files_and_folders_are_left_alone_and_named(warehouse, tmp_path):
    write(tmp_path, {"in/a.csv": GOOD, "in/.b.csv": GOOD, "in/.git/c.csv": GOOD, "in/.git/d.csv": GOOD})
    result = deliver_paths(warehouse, [tmp_path / "in"])
    hidden = {Path(d.file).name: d.reason for d in result.deliveries if d.state == "ignored"}
    assert (result.taken, hidden) == (1, dict.fromkeys([".b.csv", ".git"], "is hidden: its name begins with a point"))
