"""Every model version that had a part in a night is named where its readers look, under the app's own name."""

import datetime as dt
import json

import polars as pl
from mlflow import MlflowClient

from configs.loader import load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from pipelines.learning.job import run_train
from pipelines.publish.published import read_manifest
from tests.flows.world import START, write_app, write_events
from tests.pipelines.nights import now, serve_night

AS_OF = START + dt.timedelta(days=35)


def test_a_night_names_its_models_in_manifest_challenges_and_mlflow_by_the_app_not_its_file(tmp_path):
    file = write_app(tmp_path).rename(tmp_path / "Club copy (2).yaml")
    loaded, settings = load_app(str(file)), Settings(home=tmp_path / "home")
    run_ingest(settings, loaded, [write_events(tmp_path, players=45)], history=True, players=False, now=now())
    trained = run_train(settings, loaded, as_of=AS_OF, now=now())
    report = serve_night(settings, loaded, AS_OF, record=True)

    client = MlflowClient(settings.tracking_uri)
    names = {model.name for model in client.search_registered_models()}
    assert {f"puzzles.{task}" for task in trained.versions} <= names
    assert not any("club" in name.lower() for name in names)

    manifest = read_manifest(report.path)
    assert set(manifest.models) == {"plays", "attainment", "segments", "recalibration"}
    for task in ("plays", "attainment", "segments"):
        assert manifest.models[task].startswith((f"puzzles.{task}/", "fallback: "))

    told = [json.loads(text) for text in pl.read_parquet(report.path / "challenges.parquet")["metadata"]]
    assert told
    for task in ("plays", "attainment"):
        assert {each[task] for each in told} == {manifest.models[task]}

    experiment = client.get_experiment_by_name("puzzles/nightly")
    (run,) = client.search_runs([experiment.experiment_id])
    assert {f"model_{task}": version for task, version in manifest.models.items()}.items() <= run.data.params.items()
