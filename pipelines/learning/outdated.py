"""Whether trained models suit the app file of today: it may have been edited since."""

from collections.abc import Mapping
from typing import Any

from configs.app import App
from models.learned import LearnedModel
from models.portable import Portable
from models.tasks import binary_tasks
from models.tasks.segments import Segments
from pipelines.activity.metric_sql import definitions_hash

OTHER_VERSION = "of another version of Nightquest"
DEFINITIONS = "definitions"  # parameter of a training: what its metrics meant


def definitions_of(app: App) -> str:
    """What metrics mean, as text to record: `name:hash` for challenges, `task.name:hash` for what a task goes by."""
    return " ".join(f"{name}:{meant}" for name, meant in (*_of_challenges(app).items(), *_of_tasks(app).items()))


def _of_challenges(app: App) -> dict[str, str]:
    return {name: definitions_hash(app, name) for name in sorted(set(app.challenges.metrics))}


def _of_tasks(app: App) -> dict[str, str]:
    by = {task.name: task.goes_by(app) for task in binary_tasks()}
    return {
        f"task.{name}": definitions_hash(app, metric) if metric else "events"
        for name, metric in by.items()
        if metric is not None
    }


def unfit(app: App, task: str, model: Portable, learned: Mapping[str, Any]) -> str:
    """Why a version that is to serve a task cannot, as the end of a sentence "it is …"; empty where it can.

    Args:
        app: The app file of today.
        task: What it is to answer; a person may have moved the alias to any version.
        model: Of segments, `suits` tells more.
        learned: The recorded parameters of its training.
    """
    answers = model.task.name if isinstance(model, LearnedModel) else Segments.name
    if answers != task:
        return f"one of {answers}"
    if not isinstance(model, LearnedModel):
        return ""
    edited = "" if model.outdated else edited_since(app, model, learned)
    return OTHER_VERSION if model.outdated else edited and f"of an older app file ({edited})"


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
    name = f"task.{model.task.name}"
    meant = _of_tasks(app).get(name)
    return f"new: what {model.task.name} goes by" if meant and f"{name}:{meant}" not in known else ""
