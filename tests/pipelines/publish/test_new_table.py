"""A published table is one new file: found by its name, audited, published and named without a word elsewhere."""

import logging
import sys
from dataclasses import replace

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.known import Known
from pipelines.publish import tables
from pipelines.publish.collect import collect_tables
from pipelines.publish.published import read_manifest
from pipelines.publish.stage import staged
from tests.pipelines.publish.night_rows import AS_OF, make_frames
from tests.pipelines.publish.nights import audited, issue, make_night, played_warehouse, publish_tables

FIRSTS = '''
"""The first day on which each player did anything."""

from data.contracts_out import contract, count, day, text

CONTRACT = contract(("user_id",), {"user_id": text(), "first_on": day(), "events": count()})


def rows(seen):
    return seen.named(
        seen.known.frame(
            "SELECT player_key, min(day) AS first_on, count(*) AS events FROM events WHERE day < $d GROUP BY ALL",
            {"d": seen.known.as_of},
        )
    )
'''


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    """A folder whose files are among those of the published tables."""
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"{tables.__name__}.{path.stem}", None)


def test_a_new_file_is_published_with_the_others(folder):
    (folder / "first_days.py").write_text(FIRSTS)
    assert "first_days" in tables.published_tables()
    with played_warehouse() as warehouse:
        issue(warehouse)
        night = make_night()
        made, report = audited(warehouse, night, folder / "home")
        assert report.ok
        published = publish_tables(made, night, folder / "home", report).folder
    rows = pl.read_parquet(published / "first_days.parquet")
    assert read_manifest(published).tables["first_days"].rows == rows.height == 5
    assert rows.columns == ["app", "as_of", "user_id", "first_on", "events"]
    assert (rows["first_on"] < AS_OF).all()
    assert rows["user_id"].is_sorted()


def test_what_breaks_its_contract_is_refused_by_the_audit(folder):
    (folder / "first_days_late.py").write_text(FIRSTS.replace("min(day) AS", "min(day)::VARCHAR AS"))
    with played_warehouse() as warehouse:
        issue(warehouse)
        _, report = audited(warehouse, make_night(), folder / "home")
    (fault,) = [check.detail for check in report.checks if not check.passed]
    assert "first_days_late: first_on breaks" in fault


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("raising", "1 / 0", "ZeroDivisionError"),
        ("unfinished", '"""No contract."""', "AttributeError"),
        ("not_python", "def", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_published(folder, caplog, name, text, why):
    known = set(tables.published_tables())
    (folder / f"{name}.py").write_text(text)
    tables._find.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert set(tables.published_tables()) == known
    assert f"The table {name} is not published: {why}" in caplog.text


def test_one_that_fails_at_night_is_named_and_the_others_are_published(folder, caplog):
    (folder / "first_days.py").write_text(FIRSTS.replace("def rows(seen", "def rows(seen, more"))
    (folder / "broken.py").write_text("1 / 0")
    with played_warehouse() as warehouse, caplog.at_level(logging.WARNING):
        issue(warehouse)
        collected = collect_tables(Known(warehouse, make_night()), make_frames())
        with staged(collected, make_night(), folder / "home") as out:
            assert {path.stem for path in out.night.folder.glob("*.parquet*")} == out.night.manifest.tables.keys()
    assert "challenges" in out.night.manifest.tables
    assert not {"first_days", "broken"} & out.night.manifest.tables.keys()
    assert [fault.split(":")[0] for fault in out.faults] == [
        "The table broken is not published",
        "The table first_days is not published",
    ]
    assert out.faults[1] in caplog.text


def test_one_that_no_night_may_go_without_refuses_it_by_name(folder, monkeypatch):
    known = tables.published_tables()
    broken = replace(known["messages"], rows=lambda seen: 1 / 0)
    monkeypatch.setattr("pipelines.publish.collect.published_tables", lambda: {**known, "messages": broken})
    with played_warehouse() as warehouse:
        issue(warehouse)
        collected = collect_tables(Known(warehouse, make_night()), make_frames())
        refused = pytest.raises(NightquestError, match="The table messages is not published: ZeroDivisionError")
        with refused as said, staged(collected, make_night(), folder / "home"):
            pass
    assert not (folder / "home" / "published" / "toy").exists()
    assert "pipelines/publish/tables/messages.py" in said.value.remedy
