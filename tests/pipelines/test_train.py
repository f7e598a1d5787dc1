"""Training says what it does from its first step to its last."""

from pipelines.learning.training import STEPS


def test_every_step_of_training_shows_on_one_bar_and_the_last_ends_it(trained):
    assert trained.steps == [
        *((f"training: {step}", place, len(STEPS)) for place, step in enumerate(STEPS)),
        ("training", len(STEPS), len(STEPS)),
    ]
