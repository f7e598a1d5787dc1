"""Children that die are started again, and given up when they go on dying; with small real processes."""

import subprocess
import sys

import pytest

from configs.errors import NightquestError
from flows.server import watch as watching
from flows.server.processes import Server
from flows.server.watch import TRIES, Watch


def child(tmp_path, name, code="import time; time.sleep(600)"):
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    return Server(name, "", tmp_path / f"{name}.log", process, lambda: True)


def test_a_child_that_keeps_dying_is_given_up_with_the_reason_and_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(watching.time, "sleep", lambda _: None)
    said = []
    watch = Watch({"MLflow": lambda: child(tmp_path, "MLflow", "raise SystemExit(7)")}, {}, said.append)
    watch.start("MLflow")
    with pytest.raises(NightquestError, match="MLflow ended with exit status 7, after 3 new starts") as error:
        watch.keep()
    assert (error.value.exit_code, str(tmp_path / "MLflow.log") in error.value.remedy) == (1, True)
    assert said.count("MLflow is back.") == TRIES
    watch.stop()


def test_who_needs_a_dead_child_is_started_again_with_it_and_others_are_left_alone(tmp_path):
    def stop(text):
        if text == "Prefect is back.":
            raise KeyboardInterrupt

    starts = {name: (lambda name=name: child(tmp_path, name)) for name in ("Prefect", "MLflow", "Runner")}
    watch = Watch(starts, {"Runner": "Prefect"}, stop)
    watch.start("Prefect", "MLflow", "Runner")
    before = {name: server.process.pid for name, server in watch.running.items()}
    watch.running["Prefect"].process.kill()
    with pytest.raises(KeyboardInterrupt):
        watch.keep()
    after = {name: server.process.pid for name, server in watch.running.items()}
    assert {name for name in starts if before[name] != after[name]} == {"Prefect", "Runner"}
    watch.stop()
    assert all(server.process.poll() is not None for server in watch.running.values())
