"""Real MLflow on SQLite. It takes seconds to start: one registry for a file, an app for each test."""

import pytest

from models.tracking.registry import Registry
from tests.models.tracking.toys import apps
from tests.once import tracked_home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tracked_home(tmp_path_factory, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def registry(home):
    return Registry(f"sqlite:///{home}/mlflow.db", home / "mlartifacts")


@pytest.fixture
def app():
    return next(apps)


@pytest.fixture
def mlflow(registry):
    mlflow = registry._mlflow
    mlflow.set_tracking_uri(registry._uri)
    mlflow.set_registry_uri(registry._uri)
    return mlflow
