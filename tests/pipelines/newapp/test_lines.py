"""An export of lines, with what is of the whole order on each of them."""

import random

import pytest

from configs.loader import load_app
from data.warehouse import scratch
from pipelines.activity.ingest import ingest_files
from tests.pipelines.newapp.made import NOW, guesses, make

HEADER = "customer,bought_at,item,quantity,order_total\n"


@pytest.fixture(name="lines", scope="module")
def _lines():
    orders = [(f"c{n % 9}", f"2024-01-{1 + n // 9:02}T1{n % 3}:{n % 60:02}:00Z", 5.25 + n) for n in range(90)]
    return [f"{who},{at},item {k},{1 + k % 2},{all_}\n" for who, at, all_ in orders for k in range(3)]


def test_what_all_lines_of_an_order_have_alike_is_counted_once_however_the_next_file_is_sorted(lines, tmp_path):
    made = make(tmp_path, HEADER + "".join(lines), "orders.csv")
    assert guesses(made)["order_total"] == "once a moment"
    (tmp_path / "app.yaml").write_text(made.app_text)
    (tmp_path / f"{made.app}.sql").write_text(made.sql_text)
    app = load_app(str(tmp_path / "app.yaml"))
    again = tmp_path / "orders-2.csv"
    again.write_text(HEADER + "".join(random.Random(3).sample(lines, len(lines))))  # noqa: S311 - rows for a test
    with scratch() as warehouse:
        for path in (tmp_path / "orders.csv", again):
            ingest_files(warehouse, app.app, [path], now=NOW, history=True, players=False, source_sql=app.source_sql)
            told = "SELECT count(*), sum(CAST(properties ->> '$.order_total' AS DOUBLE)) FROM events"
            assert warehouse.rows(told) == [(270, sum(5.25 + n for n in range(90)))]


def test_a_number_that_is_mostly_the_same_anyway_or_differs_from_line_to_line_is_each_lines_own(lines, tmp_path):
    alike = [line.replace(",2,", ",1,") for line in lines]
    made = make(tmp_path, HEADER + "".join([*alike[:-3], *(line.replace(",1,", ",4,") for line in alike[-3:])]))
    assert "quantity" not in guesses(made)
    assert 'of_a_moment = 1 THEN TRY_CAST(r."quantity"' not in made.sql_text
