"""Whether trained models suit the app file of today: it may have been edited since."""

from collections.abc import Mapping
from typing import Any

from configs.app import App
from models.learned import LearnedModel
from models.tasks.engagement import Engagement
from pipelines.activity.metric_sql import definitions_hash

DEFINITIONS = "definitions"  # parameter of a training: what its metrics meant


LEVELS = "levels"  # by what levels of engagement go


def definitions_of(app: App) -> str:
    """What the metrics of challenges mean, and that of engagement, as text to record: `name:hash` of each, by name."""
    return " ".join(f"{name}:{meant}" for name, meant in (*_of_challenges(app).items(), (LEVELS, _of_levels(app))))


def _of_challenges(app: App) -> dict[str, str]:
    return {name: definitions_hash(app, name) for name in sorted(set(app.challenges.metrics))}


def _of_levels(app: App) -> str:
    metric = app.engagement.metric
    return definitions_hash(app, metric) if metric else "events"


def edited_since(app: App, model: LearnedModel, learned: Mapping[str, Any]) -> str:
    """What a model was not trained for, as a phrase; empty when it suits. What was only taken away harms nothing.

    A model whose training did not record what metrics meant is taken for a model of another file.

    Args:
        app: The app file of today.
        model: It knows the windows that it was trained for.
        learned: The recorded parameters of the training.
    """
    if lacks := model.task.lacks(app, model.encoding):
        return f"new: {lacks}"
    if DEFINITIONS not in learned:
        return "what metrics count was not recorded then"
    known = set(str(learned[DEFINITIONS]).split())
    changed = [name for name, meant in _of_challenges(app).items() if f"{name}:{meant}" not in known]
    if changed:
        return f"new: what {', '.join(changed)} counts"
    by_levels = model.task.name == Engagement.name and f"{LEVELS}:{_of_levels(app)}" not in known
    return "new: what levels of engagement go by" if by_levels else ""
