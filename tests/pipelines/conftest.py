import pytest

from tests.once import made_once, tracked_home
from tests.pipelines.trained import Trained, make_trained, read_trained


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """One home with models for all; copy it to change it."""

    def make(folder):
        tracked_home(tmp_path_factory, folder / "home")
        make_trained(folder)

    return read_trained(made_once(tmp_path_factory, "trained", make))
