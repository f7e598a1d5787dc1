import pytest

from models.tasks import binary_task
from pipelines.challenges.propose import PLANNED_WITH
from tests.once import made_once, tracked_home
from tests.pipelines.trained import Trained, make_trained, read_trained


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """One home with models for all; copy it to change it."""

    def make(folder):
        tracked_home(tmp_path_factory, folder / "home")
        make_trained(folder)

    return read_trained(made_once(tmp_path_factory, "trained", make))


@pytest.fixture(scope="module")
def quick_learners():
    """Of those that learn what planning needs the quick ones alone compete: where who wins is nothing to a test."""
    with pytest.MonkeyPatch.context() as patch:
        for task in PLANNED_WITH:
            patch.setattr(type(binary_task(task)), "only", frozenset({"habit", "logistic", "empirical_bayes"}))
        yield
