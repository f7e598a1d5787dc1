import pytest

from tests.once import made_once
from tests.pipelines.trained import Trained, make_trained, read_trained


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """One home with models for all; copy it to change it."""
    return read_trained(made_once(tmp_path_factory, "trained", make_trained))
