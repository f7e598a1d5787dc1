"""`nightquest compact`: fewer bytes and the same nights; the weekly run leaves what is hardly worth it."""

import datetime as dt
import shutil

from data.warehouse import open_warehouse, warehouse_path
from flows.compact import compact
from pipelines.publish.published import read_latest
from tests.flows.world import LAST_NIGHT, json_of, run_command

NEXT = LAST_NIGHT + dt.timedelta(days=1)
MADE = ["generated_at", "settled_at"]


def next_night(app, home):
    status, _, err = run_command("nightly", app, "--as-of", NEXT, home=home)
    assert status in {0, 4}, err  # nobody played on the last day
    night = read_latest(home, "puzzles")
    return {name: night.table(name).drop(MADE, strict=False) for name in night.manifest.tables}


def test_the_night_after_it_is_the_same(published, tmp_path, monkeypatch):
    app, home = published
    one, other = (shutil.copytree(home, tmp_path / name) for name in ("one", "other"))
    status, out, err = run_command("compact", app, "--json", home=other)
    assert status == 0, err
    told = json_of(out)
    assert told["after"] == warehouse_path(other, "puzzles").stat().st_size <= told["before"]
    monkeypatch.setenv("NIGHTQUEST_HOME", str(other))
    assert compact(app=str(app), scheduled=True) is None
    ours, theirs = next_night(app, other), next_night(app, one)
    assert ours.keys() == theirs.keys()
    for name, frame in theirs.items():
        assert ours[name].equals(frame), name


def test_the_weekly_run_writes_anew_what_is_mostly_free(puzzles):
    app, home = puzzles
    with open_warehouse(home, "puzzles") as warehouse:
        warehouse.run("CREATE TABLE passing AS SELECT hash(range) AS h FROM range(500_000)")
        warehouse.run("CREATE TABLE staying AS SELECT range FROM range(1000)")
        warehouse.run("CHECKPOINT")
        warehouse.run("DROP TABLE passing")
    result = compact(app=str(app), scheduled=True)
    assert result.after < result.before / 2
    status, out, _ = run_command("compact", app, home=home)
    assert status == 0
    assert "The warehouse of puzzles: " in out
