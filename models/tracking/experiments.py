"""What MLflow's page of an experiment `<app>/<work>` says above its runs, and the table of figures that it offers.

By itself that table names runs and when they were made, and no figure. So each experiment has a view of its own in the
menu Views, kept as MLflow keeps those that people save there, and its description leads to it.
"""

import json
from collections.abc import Mapping

DESCRIPTIONS = {
    "nightly": "One run for each night and revision of **{app}**: whom it served, promised and settled. "
    "Charts of `promised`, `ended_promised` and `ended_kept` go over the nights before; a step is a day since 1970.",
    "writing": "One run for each night's words of **{app}**: cost, faults, and samples to read under Artifacts.",
}
TRAINING = "One run for each training of **{app}**'s model `{work}`: figures on later days, rivals and plots."
OWN = "One run for each"  # what descriptions of ours say; one without is a person's
NOTE = "mlflow.note.content"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # MLflow counts it among those of model training
VIEW = "figures"
_VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
_TO_VIEW = "#/experiments/{number}/runs?workflowType=machine_learning&viewStateShareKey=" + VIEW
_COLUMNS = {
    "nightly": (
        *("players_active", "players_challenged", "challenges", "promised", "ended_promised", "ended_kept"),
        *("badges_awarded", "xp_paid"),
    ),
    "writing": ("calls", "answered", "cost_usd", "from_ledger_share", "refused_texts_faults"),
    "segments": ("components", "stability", "silhouette", "posterior", "smallest_share"),
}
_TRAINED = (
    *("log_loss", "log_loss_low", "log_loss_high", "log_loss_gain_over_base_rate"),
    *("calibration_error", "calibration_floor", "auc"),
)


def tags_of(name: str, number: str, question: str = "") -> dict[str, str]:
    """Tags of an experiment: what it holds, how MLflow shows it, and the view of its figures.

    Args:
        name: `<app>/<work>`.
        number: MLflow's id of it.
        question: What a model answers, said first, since lists of experiments show the beginning only.
    """
    app, _, work = name.rpartition("/")
    told = DESCRIPTIONS.get(work, TRAINING).format(app=app, work=work)
    link = f"[Figures of all runs]({_TO_VIEW.format(number=number)})"
    return {**KIND, NOTE: f"{question} {link}. {told}".strip(), _VIEW_TAG: _view(work)}


def to_write(tags: Mapping[str, str], kept: Mapping[str, str], *, sure: bool) -> dict[str, str]:
    """Of the tags of an experiment those that are to be written.

    Args:
        tags: What they should be.
        kept: What they are. A description that a person wrote stays, and so does any unless the new one is `sure`.
        sure: The question is known.
    """
    said = kept.get(NOTE, "")
    stays = bool(said) and not (sure and OWN in said)
    return {name: value for name, value in tags.items() if kept.get(name) != value and not (name == NOTE and stays)}


def _view(work: str) -> str:
    """A view as MLflow's page keeps it: its name, and which columns it shows beside the usual."""
    metrics = [f"metrics.`{name}`" for name in _COLUMNS.get(work, _TRAINED)]
    chosen = [] if work in DESCRIPTIONS else ["params.`chosen`"]
    state = {"selectedColumns": [*chosen, *metrics], "orderByKey": "attributes.start_time", "orderByAsc": False}
    return json.dumps({"name": "Figures", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})
