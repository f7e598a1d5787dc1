"""`status` and `doctor` on homes with something wrong; files, DuckDB and SQLite are real."""

import datetime as dt
import json
import platform
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import polars as pl
import psutil
import pytest

from configs.settings import load_settings
from data.warehouse import open_warehouse
from flows.cli.main import run_command
from flows.server.carrier import carrier_tag
from pipelines.publish.disk import Disk
from pipelines.publish.parquet import write_table
from pipelines.publish.publish import point_at
from pipelines.publish.published import Manifest, published_root, read_latest

APP, FIRST, SECOND = "trading", dt.date(2026, 5, 1), dt.date(2026, 5, 2)
HOLD = """
import sys
from pathlib import Path
from data.warehouse import open_warehouse
with open_warehouse(Path(sys.argv[1]), "trading"):
    print("held", flush=True)
    sys.stdin.read()
"""


def put_night(home, as_of):
    """One night of one small table."""
    folder = published_root(home, APP) / str(as_of)
    folder.mkdir(parents=True)
    table = write_table(Disk(), folder / "messages.parquet", iter([pl.DataFrame({"user_id": ["a"]})]))
    noon = dt.datetime.combine(as_of, dt.time(12), dt.UTC)
    pins = {"schema_version": 1, "app": APP, "as_of": as_of, "revision": 1, "generated_at": noon, "cut": noon}
    pins |= {"base_day": as_of, "watermark": 1, "seed": 1, "code_version": "x", "app_hash": "x"}
    manifest = Manifest(**pins, tables={"messages": table})
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture(name="home")
def _home(tmp_path):
    """A home with a warehouse and two whole nights."""
    home = tmp_path / "home"
    with open_warehouse(home, APP):
        pass
    put_night(home, FIRST)
    point_at(put_night(home, SECOND))
    return home


@pytest.fixture(name="run")
def _run(capsys, home):
    def run(*arguments):
        status = run_command([*arguments, "--home", str(home), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def kinds(diagnosis) -> set[str]:
    return {fault["kind"] for fault in diagnosis["faults"]}


def test_a_whole_home_has_nothing_wrong(run):
    assert run("doctor") == (0, {"home": run("doctor")[1]["home"], "mended": [], "faults": []})
    status, told = run("status")
    assert (status, told["apps"][0]["state"], told["apps"][0]["as_of"]) == (0, "ready", str(SECOND))


@pytest.mark.parametrize("content", [None, "", "{", '{"folder": "elsewhere"}', '"2026-05-02"'])
def test_a_broken_pointer_is_told_and_mended_from_whole_nights_when_asked(home, run, content):
    pointer = published_root(home, APP) / "latest.json"
    whole = pointer.read_bytes()
    pointer.unlink() if content is None else pointer.write_text(content)
    status, told = run("status")
    assert (status, told["apps"][0]["state"], told["apps"][0]["faults"][0]["kind"]) == (1, "faulty", "pointer")
    assert run("doctor")[0] == 1
    assert not pointer.exists() or pointer.read_bytes() != whole  # nothing is changed unasked
    status, told = run("doctor", "--mend")
    assert (status, [fault["kind"] for fault in told["mended"]]) == (0, ["pointer"])
    assert pointer.read_bytes() == whole


def test_readers_are_led_to_the_newest_whole_night_while_a_damaged_one_is_told(home, run):
    (published_root(home, APP) / str(SECOND) / "messages.parquet").write_bytes(b"torn")
    status, told = run("doctor", "--mend")
    assert (status, kinds(told)) == (1, {"night"})
    assert f"nightquest nightly {APP} --as-of {SECOND}" in told["faults"][0]["remedy"]
    assert read_latest(home, APP).manifest.as_of == FIRST


def test_a_night_without_a_manifest_is_told(home, run):
    (published_root(home, APP) / str(FIRST) / "manifest.json").unlink()
    assert kinds(run("doctor")[1]) == {"night"}


@pytest.mark.parametrize("spoil", ["start", "middle"])
def test_a_damaged_warehouse_is_told_as_damaged_and_kept(home, run, spoil):
    path = home / "warehouse" / f"{APP}.duckdb"
    with open_warehouse(home, APP) as warehouse:
        warehouse.run("CREATE TABLE much AS SELECT hash(range) AS x, md5(range::VARCHAR) AS y FROM range(400000)")
    data = bytearray(path.read_bytes())
    at = 0 if spoil == "start" else len(data) // 2
    data[at : at + 65536] = b"\xff" * 65536
    path.write_bytes(data)
    status, told = run("doctor", "--mend")
    assert (status, kinds(told)) == (1, {"warehouse"})
    assert "damaged" in told["faults"][0]["message"]
    assert path.read_bytes() == data


def test_a_missing_warehouse_is_missed(home, run):
    (home / "warehouse" / f"{APP}.duckdb").unlink()
    status, told = run("status")
    assert (status, told["apps"][0]["faults"][0]["kind"]) == (1, "warehouse")
    assert not (home / "warehouse" / f"{APP}.duckdb").exists()


def test_who_is_busy_is_told_with_command_and_since_and_is_no_fault(home, run):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        status, told = run("status")
    finally:
        holder.communicate()
    app = told["apps"][0]
    assert (status, app["state"], app["events"]) == (0, "busy", None)
    assert f"process {holder.pid}" in app["busy"]
    assert "since" in app["busy"]


def test_a_lost_registry_is_told_as_lost(home, run):
    (home / "mlartifacts" / APP / "plays" / "models" / "m-1").mkdir(parents=True)
    status, told = run("status")
    assert (status, told["apps"][0]["faults"][0]["kind"]) == (1, "registry")
    assert "lost" in told["apps"][0]["faults"][0]["message"]


def test_an_app_that_was_never_trained_has_lost_nothing(home, run):
    (home / "mlartifacts" / APP / "nightly" / "run-1").mkdir(parents=True)
    assert run("status")[0] == 0


def test_a_registry_whose_files_are_gone_is_told_as_lost(home, run):
    with closing(sqlite3.connect(home / "mlflow.db")) as con, con:
        con.execute("CREATE TABLE model_versions (name VARCHAR, version INTEGER, storage_location VARCHAR)")
        con.execute("CREATE TABLE registered_model_aliases (name VARCHAR, version INTEGER, alias VARCHAR)")
        of_version = ((f"{APP}.plays", n, f"{home}/mlartifacts/{APP}/plays/models/m-{n}") for n in (1, 2))
        con.executemany("INSERT INTO model_versions VALUES (?, ?, ?)", of_version)
        con.execute(f"INSERT INTO registered_model_aliases VALUES ('{APP}.plays', 2, 'champion')")
    older = home / "mlartifacts" / APP / "plays" / "models" / "m-1"
    older.mkdir(parents=True)
    (older / "model.json").touch()
    for look in ("status", "doctor"):
        told = run(look)[1]
        assert "plays" in (told["apps"][0] if look == "status" else told)["faults"][0]["message"]


def test_models_that_the_newest_night_was_made_with_are_told_as_lost_when_nothing_of_them_is_left(home, run):
    path = published_root(home, APP) / str(SECOND) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"models": {"plays": f"{APP}.plays/3", "attainment": "fallback: x"}}))
    point_at(path.parent)
    assert "lost" in run("status")[1]["apps"][0]["faults"][0]["message"]


def test_a_damaged_registry_is_told_as_damaged(home, run):
    (home / "mlflow.db").write_bytes(b"no database at all" * 100)
    status, told = run("doctor", "--mend")
    assert (status, kinds(told)) == (1, {"registry"})


def test_what_a_dead_serve_left_is_told_and_taken_away_when_asked(home, run):
    note = home / "serve.json"
    note.write_text('{"pid": 1, "started_at": 0, "prefect_url": "", "mlflow_url": "", "folder": ""}')
    assert (run("status")[0], note.exists()) == (1, True)
    assert run("doctor", "--mend")[0] == 0
    assert not note.exists()


def test_runs_that_were_cut_off_are_told_and_those_that_go_on_are_not(home, run):
    me = psutil.Process()
    rows = [
        ("killed", "RUNNING", [f"process:{platform.node()}:{me.pid}:{me.create_time() - 999:.0f}"]),
        ("served", "PENDING", ["nightquest"]),
        ("alive", "RUNNING", [carrier_tag()]),
        ("done", "COMPLETED", []),
    ]
    (home / "prefect").mkdir()
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as con, con:
        con.execute("CREATE TABLE flow_run (name VARCHAR, state_type VARCHAR, tags JSON)")
        con.executemany("INSERT INTO flow_run VALUES (?, ?, ?)", [(a, b, json.dumps(c)) for a, b, c in rows])
    status, told = run("doctor")
    assert (status, kinds(told)) == (1, {"run"})
    assert [fault["message"].split("'")[1] for fault in told["faults"]] == ["killed", "served"]


def test_a_home_that_is_not_there_is_empty_not_broken(home, run):
    shutil.rmtree(home)
    assert run("status")[0] == 0
    assert not load_settings(home).home.exists()
