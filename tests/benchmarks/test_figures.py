"""What the bench has measured stays, whatever else fails or is killed."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.figures import Lines, Stage, draw, table
from tests.benchmarks.processes import Cost, Failed, Memo, run_alone

FAST, SLOW = Cost(1.0, 2.0, 0.5), Cost(4.0, 6.0, 1.5)


def test_lines_are_kept_one_by_one_and_the_newest_of_a_stage_counts(tmp_path: Path) -> None:
    kept = tmp_path / "bench.json"
    Lines(kept).keep(Stage("ingest", 200, 9, SLOW, FAST, 3.0, "2026-01-01"))
    Lines(kept).keep(Stage("ingest", 20, 1, FAST, FAST))
    Lines(kept).keep(Stage("ingest", 20, 1, SLOW, FAST))
    small, large = Lines(kept).stages
    assert (small.players, small.ratio) == (20, 3.0)
    assert large == Stage("ingest", 200, 9, SLOW, FAST, 3.0, "2026-01-01")


def test_a_stage_that_failed_costs_its_own_row_only(tmp_path: Path) -> None:
    failed = Stage("train", 20, 1, None, FAST, failed="out of memory\nat once")
    rows = table([Stage("ingest", 20, 1, FAST, FAST), failed, Stage("ingest", 200, 9, SLOW, FAST)]).splitlines()[2:]
    assert "out of memory\n    at once" in failed.line()
    assert [("failed" in row, "| 3.0 x |" in row) for row in rows] == [(False, False), (True, False), (False, True)]
    draw([failed], tmp_path / "bench.svg")


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    assert Memo(tmp_path / "costs.json").cost("one", lambda: FAST) == FAST
    assert Memo(tmp_path / "costs.json").cost("one", lambda: SLOW) == FAST


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3:\nno room"):
        run_alone([sys.executable, "-c", "print('no room'); raise SystemExit(3)"], tmp_path)
