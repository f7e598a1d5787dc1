"""Training says what it does from its first step to its last."""

from pipelines.learning.steps import training_steps


def test_every_step_of_training_shows_on_one_bar_and_the_last_ends_it(trained):
    steps = training_steps()
    assert trained.steps == [
        *((f"training: {step}", place, len(steps)) for place, step in enumerate(steps)),
        ("training", len(steps), len(steps)),
    ]
