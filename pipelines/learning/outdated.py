"""Whether trained challenge models suit the app file of today: it may have been edited since."""

from collections.abc import Mapping
from typing import Any

from configs.app import App
from models.tasks.plays import PlaysModel
from pipelines.activity.metric_sql import definitions_hash

DEFINITIONS = "definitions"  # parameter of a training: what its metrics meant


def definitions_of(app: App) -> str:
    """What the metrics of challenges mean, as text to record: `name:hash` of each, by name."""
    return " ".join(f"{name}:{definitions_hash(app, name)}" for name in sorted(set(app.challenges.metrics)))


def edited_since(app: App, plays: PlaysModel | None, learned: Mapping[str, Any]) -> str:
    """What the models were not trained for, as a phrase; empty when they suit. What was only taken away harms nothing.

    Models whose training did not record what metrics meant are taken for models of another file.

    Args:
        app: The app file of today.
        plays: The model of play, which knows its windows; None where only what metrics count matters.
        learned: The recorded parameters of the training.
    """
    if plays is not None and (windows := sorted(set(app.challenges.windows) - set(plays.windows))):
        return f"new: windows of {', '.join(map(str, windows))} days"
    if DEFINITIONS not in learned:
        return "what metrics count was not recorded then"
    known = set(str(learned[DEFINITIONS]).split())
    changed = [told.partition(":")[0] for told in definitions_of(app).split() if told not in known]
    return f"new: what {', '.join(changed)} counts" if changed else ""
