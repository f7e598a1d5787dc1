"""Reasons of refused rows, told by kind once there are many of a kind."""

from data.warehouse import scratch
from pipelines.activity.quarantine import export_rows, read_quarantine
from pipelines.activity.reasons import count_reasons
from tests.factories import make_app
from tests.pipelines.activity.deliveries import as_csv, deliver, solve


def test_reasons_that_differ_only_in_what_they_quote_are_one_when_they_are_many():
    with scratch() as warehouse:
        warehouse.run("CREATE TEMP TABLE bad AS SELECT 'day ''' || n || ''' is none' AS reason FROM range(9) AS t(n)")
        warehouse.run("INSERT INTO bad VALUES ('no ''red''; this has red'), ('no ''blue''; this has red'), ('empty')")
        told = count_reasons(warehouse, "bad")
    assert told == {"day '…' is none": 9, "no 'red'; this has red": 1, "no 'blue'; this has red": 1, "empty": 1}
    assert next(iter(told)) == "day '…' is none"


def test_what_is_told_finds_its_rows_again(tmp_path):
    with scratch() as warehouse:
        rows = [solve("ann"), *(solve("bob", at=f"{n}/1/2024") for n in range(1, 9))]
        result = deliver(warehouse, make_app(), tmp_path, {"a.csv": as_csv(rows)}, history=True)
        (held,) = read_quarantine(warehouse, "toy", "", 2).held
        assert (held.rows, len(held.samples), result.reasons[0].reason) == (8, 2, held.reason)
        assert export_rows(warehouse, tmp_path / "mend.jsonl", held.reason)[0] == {str(tmp_path / "mend.jsonl"): 8}
