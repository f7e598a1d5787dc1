"""Which versions serve, who may change that, and that nothing is read that was not registered."""

import datetime as dt
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from configs.errors import NightquestError
from models.portable import save_arrays
from models.tracking.pages import ModelRun
from tests.models.tracking.toys import FIRST, Forgetful, Labels, a_run, files_of


def test_the_first_version_serves_even_when_the_contest_would_not_promote_it(registry, app):
    done = registry.record(app, "plays", a_run(promote=False))
    assert (done.version, done.champion) == (1, True)
    assert done.reason == FIRST
    loaded = registry.load(app, "plays")
    assert (loaded.version, loaded.model.slope, loaded.parameters) == (1, 0.5, {"kind": "logistic", "c": 0.1})
    assert loaded.data_window["last"] == dt.date(2024, 3, 31)


def test_champion_moves_when_the_contest_says_so_and_challenger_always(registry, app):
    registry.record(app, "plays", a_run(0.1))
    registry.record(app, "plays", a_run(0.2, promote=False, reason="no better"))
    assert registry.load(app, "plays").model.slope == 0.1
    assert registry.load(app, "plays", "challenger").model.slope == 0.2
    registry.record(app, "plays", a_run(0.3))
    assert registry.load(app, "plays").version == registry.load(app, "plays", "challenger").version == 3
    assert registry.champions(app) == {"plays": 3}
    assert registry.champions("nobody") == {}


def test_how_often_others_were_compared_with_what_serves_is_counted_with_it(registry, app):
    registry.record(app, "plays", a_run(0.1))
    assert registry.challenged(app, "plays", 1) == 0
    for tries in range(3):
        registry.record(app, "plays", a_run(0.2, promote=False, challenges=(1, tries)))
    assert registry.challenged(app, "plays", 1) == 3
    registry.record(app, "plays", a_run(0.3, challenges=(1, 3)))
    assert registry.challenged(app, "plays", registry.champion(app, "plays")) == 0


def test_a_person_who_moves_the_alias_is_obeyed_until_they_hand_back(registry, app, mlflow):
    for slope in (0.1, 0.2):
        registry.record(app, "plays", a_run(slope))
    mlflow.MlflowClient().set_registered_model_alias(f"{app}.plays", "champion", "1")
    assert registry.load(app, "plays").model.slope == 0.1
    done = registry.record(app, "plays", a_run(0.3))
    assert not done.champion
    assert done.reason == "A person chose version 1; the contest said: better by 0.01"
    assert registry.load(app, "plays").version == 1
    assert set(registry.reviewable(app)["promotion"]) == {"manual"}
    mlflow.MlflowClient().set_registered_model_tag(f"{app}.plays", "promotion", "automatic")
    assert registry.record(app, "plays", a_run(0.4)).champion
    assert registry.load(app, "plays").model.slope == 0.4


def test_under_review_a_version_waits_until_a_person_lets_it_serve(registry, app, mlflow):
    client = mlflow.MlflowClient()
    first = registry.record(app, "plays", a_run(0.1, promote=False), review=True)
    assert (first.champion, first.reason) == (
        False,
        "waits for review, as none serves; the contest said: better by 0.01",
    )
    assert registry.load(app, "plays") is None
    assert registry.load(app, "plays", "review").version == 1
    page = client.get_model_version(f"{app}.plays", "1").description
    assert page.startswith("Waits under the alias `review` when registered: waits for review")
    client.set_registered_model_alias(f"{app}.plays", "champion", "1")
    assert not registry.record(app, "plays", a_run(0.2, promote=False, reason="no better"), review=True).champion
    assert registry.load(app, "plays", "review") is None  # what serves waits no more
    better = registry.record(app, "plays", a_run(0.3), review=True)
    assert (better.champion, better.reason) == (False, "waits for review: better by 0.01")
    registry.record(app, "plays", a_run(0.4, promote=False, reason="no better"), review=True)
    assert [registry.load(app, "plays", alias).version for alias in ("champion", "review", "challenger")] == [1, 3, 4]
    assert set(registry.reviewable(app)["promotion"]) == {"automatic"}  # to choose is what review is for
    client.set_registered_model_alias(f"{app}.plays", "champion", "3")
    registry.record(app, "plays", a_run(0.5, promote=False), review=True)
    assert registry.load(app, "plays").version == 3
    assert registry.record(app, "plays", a_run(0.6)).champion  # without review the contest decides again


def test_a_person_who_removes_the_alias_stops_the_model(registry, app, mlflow):
    registry.record(app, "plays", a_run())
    mlflow.MlflowClient().delete_registered_model_alias(f"{app}.plays", "champion")
    assert registry.load(app, "plays") is None
    assert "no version serves" in registry.record(app, "plays", a_run()).reason
    assert registry.load(app, "plays") is None


def test_nothing_registered_loads_nothing_and_lists_nothing(registry, app):
    assert registry.load(app, "plays") is None
    assert registry.reviewable(app).is_empty()


def test_apps_do_not_see_each_other_even_when_a_name_is_the_pattern_of_another(registry):
    registry.record("aXb", "plays", a_run(0.9))
    registry.record("a_b", "plays", a_run(0.1))
    assert registry.reviewable("a_b").height == 1
    assert registry.load("a_b", "plays").model.slope == 0.1


def test_a_changed_file_is_refused_by_name_and_not_read(registry, app, home):
    registry.record(app, "plays", a_run())
    save_arrays(files_of(home) / "slope.npz", {"slope": np.array([0.99])})
    with pytest.raises(
        NightquestError, match=r"version 1\) is not what was registered: slope.npz changed.*train again"
    ):
        registry.load(app, "plays")


@pytest.mark.parametrize("harm", ["extra", "slope.npz", "run.json", "kind.json", "gone"])
def test_added_missing_or_vanished_files_are_refused(registry, app, home, harm):
    registry.record(app, "plays", a_run())
    folder = files_of(home)
    if harm == "extra":
        (folder / "more.py").write_text("print(1)")
    elif harm == "gone":
        shutil.rmtree(folder.parent.parent)
    else:
        (folder / harm).unlink()
    with pytest.raises(NightquestError, match="train again"):
        registry.load(app, "plays")


def test_a_version_that_someone_else_registered_is_not_opened(registry, app, mlflow):
    registry.record(app, "plays", a_run())
    client = mlflow.MlflowClient()
    version = client.get_model_version(f"{app}.plays", "1")
    other = client.create_model_version(f"{app}.plays", version.source, version.run_id)
    client.set_registered_model_alias(f"{app}.plays", "champion", other.version)
    with pytest.raises(NightquestError, match="was not registered by Nightquest"):
        registry.load(app, "plays")
    client.set_model_version_tag(f"{app}.plays", other.version, "mlflow.nightquest.files_sha256", "[1]")
    with pytest.raises(NightquestError, match="cannot be read any more"):
        registry.load(app, "plays")


def test_a_model_that_forgets_itself_on_disk_is_not_registered_and_its_run_failed(registry, app, mlflow):
    with pytest.raises(NightquestError, match="predicts otherwise once it is read back"):
        registry.record(app, "plays", a_run(model=Forgetful(0.5)))
    assert registry.load(app, "plays") is None
    (run,) = mlflow.search_runs(experiment_names=[f"{app}/plays"], output_format="list")
    assert run.info.status == "FAILED"
    assert mlflow.active_run() is None


def test_a_reviewer_can_open_a_version_with_mlflow_alone_and_predict_on_its_made_up_example(registry, app, mlflow):
    registry.record(app, "plays", a_run(0.5))
    served = mlflow.pyfunc.load_model(f"models:/{app}.plays@champion")
    example = served.input_example
    assert served.predict(example).tolist() == pytest.approx((0.5 * example["x"]).tolist())
    assert [(c.name, c.type.name) for c in served.metadata.signature.inputs] == [
        ("x", "double"),
        ("days", "double"),
        ("visits", "double"),
        ("metric", "string"),
        ("weekend", "boolean"),
        ("start_day", "datetime"),
    ]
    assert served.predict(example.assign(days=None)).shape == (3,)


def trained(slope: float, until: int, **changes) -> ModelRun:
    """A run whose data end on a day of May and that was trained as of the day after."""
    return a_run(
        slope, data_window={"last": dt.date(2024, 5, until)}, first_night=dt.date(2024, 5, until + 1), **changes
    )


def test_a_night_is_served_by_what_was_champion_in_its_time(registry, app):
    for slope, until, promote in ((0.1, 1, True), (0.2, 8, False), (0.3, 15, True)):
        registry.record(app, "plays", trained(slope, until, promote=promote))
    served = {day: registry.load_for(app, "plays", dt.date(2024, 5, day)) for day in (1, 2, 9, 15, 16, 31)}
    assert {day: found and found.version for day, found in served.items()} == {1: None, 2: 1, 9: 1, 15: 1, 16: 3, 31: 3}
    for name in ("trained_to", "first_night"):  # a person may write anything there
        registry._client.set_model_version_tag(f"{app}.plays", "3", name, "long ago")
    assert registry.load_for(app, "plays", dt.date(2024, 5, 16)).version == 3
    assert registry.load_for(app, "plays", dt.date(2024, 5, 15)) is None, "its files say until when it knew"
    assert registry.reviewable(app)["trained_to"].to_list() == ["", "2024-05-08", "2024-05-01"]


def test_what_a_person_made_champion_counts_as_promoted_once_training_has_seen_it(registry, app):
    registry.record(app, "plays", trained(0.1, 1))
    registry.record(app, "plays", trained(0.2, 8, promote=False))
    registry._client.set_registered_model_alias(f"{app}.plays", "champion", "2")
    registry.record(app, "plays", trained(0.3, 15))
    registry._client.set_registered_model_alias(f"{app}.plays", "champion", "3")
    assert registry.load_for(app, "plays", dt.date(2024, 5, 10)).version == 2
    assert registry.load_for(app, "plays", dt.date(2024, 5, 20)).version == 3


def test_a_training_as_of_a_day_before_the_champions_serves_the_nights_between_and_takes_nothing_over(registry, app):
    registry.record(app, "plays", trained(0.1, 20))
    done = registry.record(app, "plays", trained(0.2, 5))
    assert not done.champion
    assert done.reason == "for nights from 2024-05-06 to 2024-05-21, from which on version 1 may serve"
    assert registry.load(app, "plays").version == 1
    assert registry.load_for(app, "plays", dt.date(2024, 5, 10)).version == 2
    assert registry.load_for(app, "plays", dt.date(2024, 5, 25)).version == 1
    weak = registry.record(app, "plays", trained(0.3, 8, promote=False, reason="not beyond noise"))
    assert weak.reason.startswith("not for nights from 2024-05-09 to 2024-05-21")
    assert weak.reason.endswith("not beyond noise")
    assert registry.load_for(app, "plays", dt.date(2024, 5, 10)).version == 2


def test_a_model_that_gives_a_table_is_served_as_one(registry, app, mlflow):
    registry.record(app, "segments", a_run(model=Labels(2.0)))
    served = mlflow.pyfunc.load_model(f"models:/{app}.segments@champion")
    assert list(served.predict(served.input_example)["segment"]) == ["MADE UP 1", "MADE UP 2", "MADE UP 3"]
    assert [c.name for c in served.metadata.signature.outputs] == ["segment", "posterior"]


def test_what_is_stored_holds_no_pickle_and_no_code(registry, app, home):
    registry.record(app, "plays", a_run())
    stored = {path.name for path in files_of(home).parent.parent.rglob("*") if path.is_file()}
    assert {"kind.json", "run.json", "slope.npz", "MLmodel", "input_example.json"} <= stored
    assert not {name for name in stored if name.endswith((".pkl", ".pickle", ".py", ".joblib", ".cloudpickle"))}


START = """
import os, pathlib, sys
import mlflow.store.tracking.sqlalchemy_store
from models.tracking.store import Tracking
home, racer = pathlib.Path(sys.argv[1]), os.fork()
experiment = Tracking(f"sqlite:///{home}/mlflow.db", home / "artifacts").experiment("x/nightly")
os.write(1, f"{experiment}\\n".encode())  # one write: two processes share the pipe, and print may write its end apart
if racer:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(racer, 0)[1]))
"""


@pytest.mark.slow
def test_two_apps_may_make_the_store_at_the_same_moment(tmp_path):
    command = [sys.executable, "-c", START, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    first, second = done.stdout.split()
    assert first == second, "one experiment for both"


def test_two_trainings_of_one_app_at_once_become_two_versions(registry, app):
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda slope: registry.record(app, "plays", a_run(slope)), (0.1, 0.2)))
    assert sorted(version.version for version in done) == [1, 2]
    assert registry.load(app, "plays").version in {1, 2}
