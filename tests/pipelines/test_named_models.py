"""Every model version that had a part in a night is named where its readers look, under the app's own name."""

import json

import polars as pl
from mlflow import MlflowClient

from configs.settings import Settings
from pipelines.publish.published import read_manifest
from tests.pipelines.trained import FILE


def test_a_night_names_its_models_in_manifest_challenges_and_mlflow_by_the_app_not_its_file(trained):
    assert trained.loaded.path.name == FILE
    client = MlflowClient(Settings(home=trained.home).tracking_uri)
    names = {model.name for model in client.search_registered_models()}
    assert {f"puzzles.{task}" for task in trained.versions} <= names
    assert not any("club" in name.lower() for name in names)

    manifest = read_manifest(trained.night)
    assert set(manifest.models) == {"plays", "attainment", "segments", "recalibration"}
    for task in ("plays", "attainment", "segments"):
        assert manifest.models[task].startswith((f"puzzles.{task}/", "fallback: "))

    told = [json.loads(text) for text in pl.read_parquet(trained.night / "challenges.parquet")["metadata"]]
    assert told
    for task in ("plays", "attainment"):
        assert {each[task] for each in told} == {manifest.models[task]}

    experiment = client.get_experiment_by_name("puzzles/nightly")
    (run,) = client.search_runs([experiment.experiment_id])
    assert {f"model_{task}": version for task, version in manifest.models.items()}.items() <= run.data.params.items()
