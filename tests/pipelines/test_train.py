"""Training says what it does from its first step to its last."""

from configs.loader import load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from pipelines.learning.job import run_train
from pipelines.learning.training import STEPS
from tests.flows.world import write_app, write_events
from tests.pipelines.nights import now


def test_every_step_of_training_shows_on_one_bar_and_the_last_ends_it(tmp_path):
    loaded, settings = load_app(str(write_app(tmp_path))), Settings(home=tmp_path / "home")
    run_ingest(settings, loaded, [write_events(tmp_path, players=45)], history=True, players=False, now=now())
    told: list[tuple[str, int, int]] = []
    run_train(settings, loaded, as_of=None, now=now(), progress=lambda *step: told.append(step))
    assert told == [
        *((f"training: {step}", place, len(STEPS)) for place, step in enumerate(STEPS)),
        ("training", len(STEPS), len(STEPS)),
    ]
