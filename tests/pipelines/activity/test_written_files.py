"""Text that the app file says is written otherwise: old encodings, blanks between fields, no header line."""

import pytest
from pydantic import ValidationError

from configs.files import Files
from data.warehouse import scratch
from tests.factories import make_app
from tests.pipelines.activity.deliveries import deliver, only, quarantine, users

SOURCE = (
    "SELECT r.who AS user_id, 'solve' AS event, strftime(try_strptime(r.day, '%Y%m%d'), '%Y-%m-%d') AS occurred_at, "
    "json_object('points', TRY_CAST(r.n AS DOUBLE)) AS properties, r._delivery_id, r._row FROM raw_log AS r"
)
BARE = {"columns": ["who", "day", "n"]}


@pytest.mark.parametrize(
    ("files", "content"),
    [
        ({"encoding": "cp1252"}, "who;day;n\nJosé;20240101;3\nZoë;20240102;1\n".encode("cp1252")),
        ({"encoding": "utf-16"}, "who\tday\tn\nJosé\t20240101\t3\nZoë\t20240102\t1\n".encode("utf-16")),
        ({"encoding": "cp1252"}, "\ufeffwho,day,n\nJosé,20240101,3\nZoë,20240102,1\n".encode()),
        ({"delimiter": "space", **BARE}, "  José 20240101  3\n Zoë   20240102 1 \n".encode()),
        ({"delimiter": "pipe", **BARE}, "José|20240101|3\nZoë|20240102|1\n".encode()),
        ({"delimiter": "semicolon"}, "who;day;n\nJosé;20240101;3\nZoë;20240102;1\n".encode()),
    ],
)
def test_text_is_read_as_the_app_file_says(tmp_path, files, content):
    with scratch() as warehouse:
        result = deliver(
            warehouse, make_app(files=files), tmp_path, {"log.txt": content}, source_sql=SOURCE, history=True
        )
        assert only(result).rows_taken == 2
        assert users(warehouse) == ["José", "Zoë"]


def test_a_line_with_other_fields_than_the_file_has_columns_costs_only_itself(tmp_path):
    app = make_app(files={"delimiter": "space", **BARE})
    with scratch() as warehouse:
        deliver(warehouse, app, tmp_path, {"log.txt": "a 20240101 3\nb 20240101\n"}, source_sql=SOURCE, history=True)
        assert users(warehouse) == ["a"]
        assert [(line, reason) for _, line, _, reason in quarantine(warehouse)] == [
            (2, "the line has 2 fields and the header has 3")
        ]


def test_beside_a_source_files_with_the_contracts_columns_have_a_header_as_ever(tmp_path):
    app = make_app(files={"delimiter": "space", **BARE})
    events = "user_id,event,occurred_at\nann,solve,2024-01-05T10:00:00Z\n"
    with scratch() as warehouse:
        deliver(warehouse, app, tmp_path, {"log.txt": "a 20240101 3\n", "events.csv": events}, source_sql=SOURCE)
        assert users(warehouse) == ["a", "ann"]
        people = {"players.csv": "user_id,recorded_at,language\nann,2024-01-05,de\n"}
        foreign = make_app(files={"delimiter": "space", **BARE}, source="log")
        assert deliver(warehouse, foreign, tmp_path, people, players=True).taken == 1


def test_a_delivery_is_taken_again_once_the_app_file_says_how_it_is_written(tmp_path):
    files = {"log.txt": "who;day;n\nJosé;20240101;3\nann;20240102;1\n".encode("cp1252")}
    with scratch() as warehouse:
        deliver(warehouse, make_app(), tmp_path, files, source_sql=SOURCE, history=True)
        assert users(warehouse) == ["ann"]
        deliver(warehouse, make_app(files={"encoding": "cp1252"}), tmp_path, files, source_sql=SOURCE, history=True)
        assert users(warehouse) == ["José", "ann"]


def test_an_encoding_that_there_is_not_is_a_fault_of_the_app_file():
    with pytest.raises(ValidationError, match="no encoding that Python knows"):
        Files(encoding="utf-99")
