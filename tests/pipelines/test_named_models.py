"""Every model version that had a part in a night is named where its readers look, under the app's own name."""

import datetime as dt
import json
import re

import polars as pl
import pytest
from mlflow import MlflowClient

from configs.settings import Settings
from models.tasks import task_names
from pipelines.learning.job import run_train
from pipelines.publish.published import read_manifest
from tests.pipelines.nights import champions, now, serve_night
from tests.pipelines.trained import FILE, FIRST, NEXT

pytestmark = pytest.mark.long

BEFORE = FIRST - dt.timedelta(days=1)


def test_a_night_names_its_models_in_manifest_challenges_and_mlflow_by_the_app_not_its_file(trained):
    assert trained.loaded.path.name == FILE
    store = Settings(home=trained.home).tracking_uri
    client = MlflowClient(store, store)
    names = {model.name for model in client.search_registered_models()}
    assert {f"puzzles.{task}" for task in trained.versions} <= names
    assert not any("club" in name.lower() for name in names)

    manifest = read_manifest(trained.night)
    assert set(manifest.models) == {*trained.versions, "recalibration"} >= {"plays", "attainment", "segments"}
    for task in ("plays", "attainment", "segments"):
        assert manifest.models[task].startswith((f"puzzles.{task}/", "fallback: "))

    told = [json.loads(text) for text in pl.read_parquet(trained.night / "challenges.parquet")["metadata"]]
    assert told
    for task in ("plays", "attainment"):
        assert {each[task] for each in told} == {manifest.models[task]}

    experiment = client.get_experiment_by_name("puzzles/nightly")
    (run,) = client.search_runs([experiment.experiment_id])
    assert {f"model_{task}": version for task, version in manifest.models.items()}.items() <= run.data.params.items()


def test_a_night_of_before_the_champions_time_learns_its_own_until_one_is_trained_for_it(trained, tmp_path):
    loaded, settings = trained.loaded, trained.copy(tmp_path)
    report = serve_night(settings, loaded, BEFORE)
    (told,) = [note for note in report.notes if "learned its own" in note]
    assert told.startswith("What serves today (attainment version 1, plays version 1, segments version 1) was trained")
    assert f"--as-of {BEFORE}" in told
    served = read_manifest(report.path).models
    assert {task for task in task_names() if task in served} == {"plays", "attainment", "segments"}
    assert all(served[task].startswith("fallback") for task in ("plays", "attainment", "segments"))

    other = next(task for task in trained.versions if task not in served)
    learned = ("plays", "attainment", "segments", other)
    assert run_train(settings, loaded, as_of=BEFORE, now=now(), only=learned).versions["plays"] == 2
    again = serve_night(settings, loaded, BEFORE, refresh=True)
    assert read_manifest(again.path).models["plays"] == "puzzles.plays/2"
    late = [note for note in again.notes if "later days" in note]
    assert not [note for note in late if "anomaly" not in note]  # whose contest has nothing to win on so little
    assert champions(settings, loaded, NEXT).told()["plays"] == "puzzles.plays/1"

    # Of the other question only the later champion is left.
    MlflowClient(settings.tracking_uri, settings.tracking_uri).delete_model_version(f"puzzles.{other}", "2")
    without = champions(settings, loaded, BEFORE)
    (note,) = [note for note in without.notes if "that serves today was trained on later days" in note]
    assert re.match(rf"The model of .*\b{other}\b", note)
    assert f"--as-of {BEFORE}" in note
    assert not any(re.match(rf"No model of .*\b{other}\b", told) for told in without.notes)


def test_scores_say_nothing_of_badges_that_are_held(trained):
    scores = pl.read_parquet(trained.night / "scores.parquet")
    held = pl.read_parquet(trained.night / "badges_held.parquet").select("user_id", pl.col("badge_id").alias("target"))
    assert held.height
    assert scores.filter(task="badge_odds").join(held, on=["user_id", "target"], how="semi").is_empty()
