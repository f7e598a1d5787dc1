"""The Stack Exchange rules against the badges really awarded, and the comparison itself."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from configs.app import App
from configs.errors import NightquestError
from configs.loader import load_app
from data.warehouse import Warehouse, scratch
from pipelines.activity.ingest import ingest_files
from pipelines.replay.compare_awards import compare_awards, compare_file, render_comparison_markdown
from tests.factories import event, make_app, warehouse_with
from tests.pipelines.badges.rules.awards import app_with

DUMP = Path(__file__).resolve().parents[4] / "shared" / "data" / "stackexchange_quantumcomputing"
NAMED = ("student", "teacher", "scholar", "commentator", "nice_answer")


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Warehouse, App]]:
    """A warehouse in memory that has taken the whole dump in."""
    if not DUMP.is_dir():
        pytest.skip(f"needs the Stack Exchange dump in {DUMP}")
    loaded = load_app("stackexchange")
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    with scratch() as warehouse:
        ingest_files(warehouse, loaded.app, [DUMP], now=now, history=True, source_sql=loaded.source_sql)
        yield warehouse, loaded.app


@pytest.fixture(scope="module")
def table(site: tuple[Warehouse, App]) -> pl.DataFrame:
    """The comparison over the whole dump."""
    return compare_file(*site, DUMP / "badges.parquet")


def test_rules_agree_with_the_badges_really_awarded(table: pl.DataFrame) -> None:
    assert table.height >= 11
    rows = {row["badge_id"]: row for row in table.to_dicts()}
    for badge in NAMED:
        assert rows[badge]["precision"] >= 0.99, badge
        assert rows[badge]["recall"] >= 0.85, badge
    assert table.filter(pl.col("precision") < 0.99).is_empty()
    dated = table.filter(pl.col("badge_id").is_in(["student", "teacher", "scholar", "nice_answer", "nice_question"]))
    assert dated["date_agreement"].min() >= 0.94


def test_comparison_looks_only_at_days_before_as_of(site: tuple[Warehouse, App], table: pl.DataFrame) -> None:
    early = compare_file(*site, DUMP / "badges.parquet", dt.date(2018, 4, 1))
    both = early.join(table, on="badge_id", suffix="_late")
    assert (both["theirs"] <= both["theirs_late"]).all()
    assert early.filter(pl.col("badge_id") == "student")["ours"].item() < 227


def test_the_documented_table_is_the_one_the_rules_give(table: pl.DataFrame) -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    causes = yaml.safe_load((docs / "badge_gaps.yaml").read_text(encoding="utf-8"))
    assert render_comparison_markdown(table, causes) in (docs / "badges.md").read_text(encoding="utf-8")


def test_every_gap_in_the_documented_table_has_its_cause(table: pl.DataFrame) -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    causes = yaml.safe_load((docs / "badge_gaps.yaml").read_text(encoding="utf-8"))
    gaps = table.filter(pl.min_horizontal("precision", "recall", "date_agreement") < 1)
    assert set(gaps["badge_id"]) == set(causes)


def awards(*rows: tuple[str, str, int]) -> pl.DataFrame:
    start = dt.datetime(2024, 1, 1, 23, tzinfo=dt.UTC)
    return pl.DataFrame(
        [(user, badge, start + dt.timedelta(days=day)) for user, badge, day in rows],
        schema=["user_id", "badge_id", "awarded_at"],
        orient="row",
    )


def test_precision_recall_and_dates_are_counted_by_user_and_badge() -> None:
    ours = awards(("u1", "a", 0), ("u2", "a", 5), ("u3", "a", 0), ("u9", "b", 0))
    theirs = awards(("u1", "a", 1), ("u1", "a", 40), ("u2", "a", 2), ("u4", "a", 0), ("u5", "c", 0))
    rows = {row.pop("badge_id"): row for row in compare_awards(ours, theirs).to_dicts()}
    assert rows["a"] == {
        "ours": 3,
        "theirs": 3,
        "both": 2,
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "date_agreement": 0.5,
        "missed": ["u4"],
        "extra": ["u3"],
    }
    assert (rows["b"]["precision"], rows["b"]["recall"], rows["b"]["date_agreement"]) == (0.0, None, None)
    assert (rows["c"]["precision"], rows["c"]["recall"]) == (None, 0.0)


def test_markdown_puts_the_cause_beside_its_badge() -> None:
    table = compare_awards(awards(("u1", "a", 0)), awards(("u1", "a", 0), ("u2", "a", 0)))
    shown = table.with_columns(title=pl.lit("Ace"), missed_progress=pl.lit(0.25))
    last = render_comparison_markdown(shown, {"a": "deleted posts"}).splitlines()[-1]
    assert last == "| Ace | 1 | 2 | 1 | 1.000 | 0.500 | 1.000 | 0.250 | deleted posts |"


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "user_id,medal\n1,x\n"), ("b.parquet", "no parquet"), ("c.txt", "")]
)
def test_a_file_that_holds_no_awards_is_refused_with_a_remedy(tmp_path: Path, name: str, content: str) -> None:

    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    app = make_app()
    with warehouse_with(app, [event(1, 0)]) as warehouse, pytest.raises(NightquestError, match=name):
        compare_file(warehouse, app, path)


def test_times_written_as_text_are_read_as_utc(tmp_path: Path) -> None:

    path = tmp_path / "awards.csv"
    path.write_text(
        "user_id,badge,awarded_at\nuser1,ONE,2024-01-01T12:00:00\nuser2,One,2024-01-02T09:00:00\n", encoding="utf-8"
    )
    app = app_with(one="solved >= 1")
    with warehouse_with(app, [event(1, 0), event(2, 1, "liked", delta=1, post_id="p")]) as warehouse:
        row = compare_file(warehouse, app, path).row(0, named=True)
    assert (row["both"], row["missed"], row["date_agreement"]) == (1, ["user2"], 1.0)
