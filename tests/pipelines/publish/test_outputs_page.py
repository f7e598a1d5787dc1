import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.publish.tables import published_tables
from tests.factories import APP as TOY
from tests.factories import make_app
from tests.pipelines.publish.nights import (
    audit_and_publish,
    contract_breaches,
    issue,
    make_night,
    played_warehouse,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(name="here", scope="module")
def _here(tmp_path_factory):
    """A folder with the home that the page's examples read."""
    folder = tmp_path_factory.mktemp("docs")
    app = make_app(**{**TOY, "app": "trading"})
    with played_warehouse(app) as warehouse:
        issue(warehouse)
        audit_and_publish(warehouse, make_night(app=app), folder / ".nightquest")
    return folder


def test_the_pages_sql_runs(here, monkeypatch):
    monkeypatch.chdir(here)
    with duckdb.connect() as con:
        results = [con.execute(block).fetchall() for block in blocks("sql")]
    assert [len(rows) for rows in results] == [4, 2]


@pytest.mark.parametrize("block", blocks("python"))
def test_the_pages_python_runs(here, block):
    done = subprocess.run(
        [sys.executable, "-c", block + "\nprint(night)"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "2024-01-10" in done.stdout


@pytest.mark.parametrize("table", published_tables())
def test_the_page_explains_every_column_and_the_key_of_every_table(table):
    section = re.search(rf"^### {table}\n(.*?)(?=^##)", PAGE, flags=re.DOTALL | re.MULTILINE)[1]
    if table == "badges_held":
        assert "columns and key of `badges`" in section
        return
    named = re.findall(
        r"`(\w+)`", "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    )
    assert set(named) == set(published_tables()[table].contract.types) - {"app", "as_of"}
    key = re.search(r"Key: ([^.]+)\.", section)[1]
    assert tuple(re.findall(r"`(\w+)`", key)) == published_tables()[table].contract.key


@pytest.mark.parametrize("table", published_tables())
def test_every_key_and_share_is_a_column_of_its_table(table):
    contract = published_tables()[table].contract
    assert {*contract.key, *contract.shares, *contract.texts} <= set(contract.types)
    assert contract_breaches(table, pl.DataFrame(schema=contract.types)) == []


@pytest.mark.parametrize("table", published_tables())
def test_any_column_missing_or_of_another_type_is_a_breach(table):
    empty = pl.DataFrame(schema=published_tables()[table].contract.types)
    for columns in (empty.columns[::2], empty.columns[1::2]):
        missing = " ".join(contract_breaches(table, empty.drop(columns)))
        mistyped = " ".join(contract_breaches(table, empty.with_columns(pl.lit(b"").alias(name) for name in columns)))
        assert [name for name in columns if name not in missing.split()] == []
        assert [name for name in columns if f"{name} breaks" not in mistyped] == []
