"""From a contest to the record a reviewer decides from."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from configs.app import App
from models import attainment, plays
from models.attainment import AttainmentModel
from models.cards import Decision, ModelRun, Rival
from models.plays import PlaysModel
from models.plots import contest_plot, importance_plot, reliability_plot
from models.scores import auc, brier, calibration_error, calibration_floor
from pipelines.challenges.learn import Contest

_QUESTIONS = {
    "plays": "Will the player act at all within the window?",
    "attainment": "If they play, how likely is it that a metric reaches a target within the window?",
}
_LIMITS = {
    "plays": (
        "Promises are moved every night to fit what has just settled; this page shows the model before that.",
        "Players not active within the app's `challenges.active_within_days` are not judged.",
    ),
    "attainment": (
        "Targets come from the menu of round numbers that players reached in training; nothing beyond it is asked.",
        "The probability holds given play; `plays` supplies the other factor.",
    ),
}


def run_of(
    contest: Contest[PlaysModel] | Contest[AttainmentModel], app: App, app_hash: str, code_version: str
) -> ModelRun:
    """Everything recorded about a contest's winner."""
    y, p = contest.holdout["y"].to_numpy(), contest.holdout["p"].to_numpy()
    players = contest.holdout["player_key"].to_numpy()
    chosen = contest.model.parameters.kind
    title = f"{app.title}: {contest.task}"
    return ModelRun(
        model=contest.model,
        question=_QUESTIONS[contest.task],
        decision=_decision(contest),
        data_window=contest.data_window,
        rows=contest.rows,
        inputs=plays.INPUTS if contest.task == "plays" else attainment.INPUTS,
        app_hash=app_hash,
        code_version=code_version,
        parameters=_parameters(contest),
        metrics={
            "log_loss": next((e.log_loss, e.low, e.high) for e in contest.entrants if e.name == chosen),
            "log_loss_gain_over_base_rate": contest.gain,
            "auc": auc(y, p),
            "brier": brier(y, p),
            "calibration_error": calibration_error(y, p),
            "calibration_floor": calibration_floor(p),
        },
        rivals=[
            Rival(e.name, e.log_loss, e.low, e.high, e.behind if e.name != chosen else None) for e in contest.entrants
        ],
        chosen=chosen,
        figures={
            "reliability": reliability_plot(y, p, players, title=f"{title}, later holdout"),
            "importance": importance_plot(contest.model.importance(), title=f"{title}, what it looks at"),
            "contest": contest_plot(
                [(e.name, e.log_loss, e.low, e.high) for e in contest.entrants], title=title, chosen=chosen
            ),
        },
        limits=_LIMITS[contest.task],
        example={"metric": app.challenges.metrics, "window_days": app.challenges.windows, "lead_days": [0, 1]},
    )


def _decision(contest: Contest[PlaysModel] | Contest[AttainmentModel]) -> Decision:
    """Promote when the winner beats the base rate on the later holdout beyond the noise of its players."""
    mean, low, high = contest.gain
    told = f"log-loss {mean:+.4f} better than the base rate ({low:+.4f} to {high:+.4f}) on the later holdout"
    return Decision(low > 0, told if low > 0 else f"not beyond noise: {told}")


def _parameters(contest: Contest[PlaysModel] | Contest[AttainmentModel]) -> Mapping[str, Any]:
    return {**asdict(contest.model.parameters), "recalibration_slope": round(contest.model.recalibration.slope, 4)}


def contest_table(contests: list[Contest[Any]]) -> pl.DataFrame:
    """task, learner, log_loss, low, high, chosen: the contests as a table people read."""
    return pl.DataFrame(
        [
            (c.task, e.name, e.log_loss, e.low, e.high, e.name == c.model.parameters.kind)
            for c in contests
            for e in c.entrants
        ],
        schema=["task", "learner", "log_loss", "low", "high", "chosen"],
        orient="row",
    )
