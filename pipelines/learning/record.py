"""From a contest, or from fitted segments, to the record a reviewer decides from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from configs.app import App
from configs.nouns import counted
from models.scores import auc, brier, calibration_error, calibration_floor
from models.tasks import attainment, plays
from models.tasks.attainment import AttainmentModel
from models.tasks.plays import PlaysModel
from models.tasks.segments import PARENT, SegmentModel
from models.tracking.pages import Decision, ModelRun, Rival
from models.tracking.plots import bic_plot, contest_plot, importance_plot, reliability_plot, segments_plot
from pipelines.learning.contests import Contest
from pipelines.learning.outdated import DEFINITIONS, definitions_of
from pipelines.night.plan import Players
from pipelines.pins import Night
from pipelines.players.segments import PAST_WINDOWS, WINDOW_DAYS, SegmentFit, assign_segments

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
    "segments": (
        "A segment is a standing among comparable players, not a promise; nothing is checked on later days.",
        "Counts are not normal: variances have a floor, so BIC compares shapes of these measures only.",
        "Components that share a level of the app count as one segment.",
    ),
}
_PLOTTED = 6


def run_of(
    contest: Contest[PlaysModel] | Contest[AttainmentModel], night: Night, app_hash: str, code_version: str
) -> ModelRun:
    """Everything recorded about a contest's winner.

    Args:
        contest: With the winner.
        night: The first that it could serve.
        app_hash: Of the app file that it was trained for.
        code_version: Of Nightquest.
    """
    app = night.app
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
        first_night=night.as_of,
        parameters={**_parameters(contest), DEFINITIONS: definitions_of(app)},
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
    """Promote what beats the base rate beyond the noise of the later holdout's players, unless what serves is better.

    Between equals the newer serves, since it knows more days. What serves stays as long as too few days have passed to
    compare the two on days that neither has seen.
    """
    mean, low, high = contest.gain
    told = f"log-loss {mean:+.4f} better than the base rate ({low:+.4f} to {high:+.4f}) on the later holdout"
    if low <= 0:
        return Decision(promote=False, reason=f"not beyond noise: {told}")
    against = contest.against
    if against is None:
        return Decision(promote=True, reason=told)
    if against.gone:
        return Decision(promote=True, reason=f"{told}; {against.name}, which served, {against.gone}")
    if against.gain is None:
        few = f"{against.name} serves on: it has seen all but {against.rows} of these rows, too few to compare"
        return Decision(promote=False, reason=f"{few}; {told}")
    mean, low, high = against.gain
    rival = f"log-loss {mean:+.4f} better than {against.name} ({low:+.4f} to {high:+.4f}) on {against.rows:,} rows"
    stays = f"{against.name} is better: " if high < 0 else ""
    return Decision(promote=high >= 0, reason=f"{stays}{rival} that neither had seen; {told}")


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


def segments_run(segments: SegmentFit, players: Players, night: Night, app_hash: str, code_version: str) -> ModelRun:
    """Everything recorded about fitted segments.

    Raises:
        ValueError: There is no model to record.
    """
    model, app = segments.model, night.app
    if model is None:
        raise ValueError("there are no segments to record")
    parent = model.quality.row(by_predicate=pl.col("cohort") == PARENT, named=True)
    cohorts = model.quality["cohort"].to_list()
    return ModelRun(
        model=model,
        question="How strong is this player among comparable play?",
        decision=_segments_decision(model),
        data_window={
            "first": night.base_day - dt.timedelta(days=WINDOW_DAYS * PAST_WINDOWS),
            "last": night.base_day - dt.timedelta(days=1),
        },
        rows={"windows": parent["rows"], "players": parent["players"], "tonight": players.features.height},
        inputs=model.inputs,
        app_hash=app_hash,
        code_version=code_version,
        first_night=night.as_of,
        parameters={
            "min_players": model.parameters.min_players,
            **asdict(model.parameters.mixture),
            "measures": ", ".join(m.column for m in model.measures),
            "cohorts": len(cohorts),
            **{f"{name}_all": parent[name] for name in ("components", "covariance")},
        },
        metrics={name: value for row in model.quality.to_dicts() for name, value in _figures(row).items()},
        chosen=f"{parent['components']} components, {parent['covariance']}",
        score="BIC",
        figures=_segment_figures(segments, model, players, app),
        limits=(*_LIMITS["segments"], *([segments.note] if segments.note else [])),
        example={"cohort": cohorts},
    )


def _segments_decision(model: SegmentModel) -> Decision:
    """Promote when every mixture came to rest and its labels survive resampling."""
    weak = model.quality.filter(~(pl.col("stable") & pl.col("converged")))["cohort"].to_list()
    low = model.quality["stability"].to_numpy().min()
    told = (
        f"{counted(model.quality.height, 'mixture')}, adjusted Rand index of at least {low:.2f} over bootstrap refits"
    )
    return Decision(not weak, f"not stable for {', '.join(weak)}: {told}" if weak else told)


def _figures(row: dict[str, Any]) -> dict[str, float]:
    """A mixture's figures, under its cohort's name where it is not everyone's."""
    names = ("bic", "stability", "silhouette", "posterior", "smallest_share", "components", "converged")
    cohort = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in row["cohort"])
    end = "" if row["cohort"] == PARENT else f"/{cohort}"
    return {f"{name}{end}": float(row[name]) for name in names}


def _segment_figures(segments: SegmentFit, model: SegmentModel, players: Players, app: App) -> dict[str, Any]:
    """BIC of the settings tried, and tonight's players by segment, for everyone and the largest cohorts."""
    column = f"{app.segments.score}__{WINDOW_DAYS}"
    assigned = assign_segments(app, players.features, model, players.segments.select("player_key", "cohort"))
    members = assigned.join(
        players.features.select("player_key", score=column), on="player_key", how="left", maintain_order="left"
    )
    label, figures = app.metrics[app.segments.score].label or app.segments.score, {}
    for row in model.quality.sort("players", descending=True).head(_PLOTTED).to_dicts():
        cohort, name = row["cohort"], "".join(c if c.isalnum() else "_" for c in row["cohort"])
        trials = segments.trials.filter(pl.col("cohort") == cohort)
        title = f"{app.title}: {'all players' if cohort == PARENT else cohort}"
        figures[f"bic_{name}"] = bic_plot(trials, title=title, chosen=(row["components"], row["covariance"]))
        judged = members.filter(pl.col("judged_as") == cohort)
        if judged.height:
            figures[f"segments_{name}"] = segments_plot(
                judged, levels=app.segments.levels, score=f"{label} in {WINDOW_DAYS} days", title=title
            )
    return figures
