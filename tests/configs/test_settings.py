from pathlib import Path

import pytest
from pydantic import ValidationError

from configs.errors import NightquestError
from configs.settings import Settings, load_settings


def test_stores_lie_under_the_home_folder(tmp_path):
    settings = load_settings(tmp_path)
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.artifacts == tmp_path / "mlartifacts"


def test_argument_wins_over_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_HOME", "/elsewhere")
    assert load_settings(tmp_path).home == tmp_path
    assert str(load_settings().home) == "/elsewhere"


def test_unknown_variable_is_refused_with_the_nearest_name(monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_HOM", "elsewhere")
    with pytest.raises(NightquestError, match="Did you mean NIGHTQUEST_HOME"):
        load_settings()


def test_impossible_value_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_PREFECT_PORT", "99999")
    with pytest.raises(NightquestError, match="NIGHTQUEST_PREFECT_PORT is '99999'"):
        load_settings()


def test_settings_are_frozen_and_know_no_other_field(tmp_path):
    with pytest.raises(ValidationError):
        load_settings(tmp_path).home = tmp_path  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(hom=tmp_path)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["file:home", "s3:home", "http:"])
def test_a_home_that_reads_like_an_address_is_a_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert load_settings(Path(name)).home == tmp_path / name


@pytest.mark.parametrize("name", ["what?", "back\\slash"])
def test_a_home_that_databases_would_look_for_elsewhere_is_refused_also_by_its_parents(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    for home in (Path("home"), tmp_path / name / "deep" / "home"):
        with pytest.raises(NightquestError, match="in its path"):
            load_settings(home)
