"""From a contest to the record a reviewer decides from."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from configs.app import App
from models.contest.hold import BASE_RATE, Contest
from models.contest.kinds import quarters_of
from models.contest.outcome import Rival
from models.contest.promotion import Against, Gain
from models.explain.reasons import REST, moved_by_kind, share_of_kinds
from models.learners import learners
from models.tracking.pages import ModelRun, took
from models.tracking.plots import (
    contest_plot,
    contributions_plot,
    importance_plot,
    kinds_plot,
    reliability_plot,
)
from pipelines.learning.outdated import DEFINITIONS, definitions_of
from pipelines.pins import Night

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SEED = 6
_EXPLAINED = 1_000
_LEAST_MOVED = 0.005  # log-odds: what moves no answer farther is not drawn


def run_of(contest: Contest, night: Night, app_hash: str, code_version: str) -> ModelRun:
    """Everything recorded about a contest's winner.

    Args:
        contest: With the winner.
        night: The first that it could serve.
        app_hash: Of the app file that it was trained for.
        code_version: Of Nightquest.
    """
    app, task, chosen, against = night.app, contest.task, contest.chosen, contest.against
    return ModelRun(
        model=contest.model,
        question=task.question,
        decision=task.decide(contest.gain, contest.against),
        data_window=contest.data_window,
        rows=contest.rows,
        inputs=task.inputs,
        app_hash=app_hash,
        code_version=code_version,
        first_night=night.as_of,
        parameters={**_parameters(contest), DEFINITIONS: definitions_of(app)},
        metrics={
            "log_loss": contest.loss,
            "log_loss_gain_over_base_rate": contest.gain,
            **task.figures(contest.holdout),
        },
        players=contest.holdout["player_key"].n_unique(),
        rivals=_rivals(contest),
        chosen=chosen,
        prefers=task.prefers,
        gains=_gains(contest),
        challenges=against.challenges if against else None,
        kinds=contest.kinds,
        never_held=contest.never_held,
        moved=(against.name, against.moved) if against and against.moved else None,
        cost=contest.cost,
        figures=_plots(contest, app),
        used_for=task.used_for,
        beside=_beside(against) if against and against.gain else None,
        notes=task.notes,
        tables=_tables(contest, app),
        limits=(*task.limits, *contest.faults),
        example=task.example(app),
        requires=contest.model.learner.requires,
    )


def _rivals(contest: Contest) -> list[Rival]:
    """Who competed, with how far behind the winner they were, and what each of them does."""
    usual = f"says of everybody how often that kind of question came true in the rows before, {contest.base:.2g} of all"
    does = {name: each.does for name, each in learners().by_name.items()} | {BASE_RATE: usual}
    return [
        Rival(e.name, e.log_loss, e.low, e.high, e.behind if e.name != contest.chosen else None, does.get(e.name, ""))
        for e in contest.entrants
    ]


def _gains(contest: Contest) -> dict[str, Gain]:
    """How much better the winner is than the base rate and than what serves, where that could be compared."""
    against = contest.against
    return {"the base rate": contest.gain} | ({against.name: against.gain} if against and against.gain else {})


def _beside(against: Against) -> tuple[str, list[tuple[str, str, str]]]:
    """What the winner was compared with beyond their log-losses: what else promotion asks of it."""
    (ours, theirs), (our_s, their_s) = against.calibration, against.seconds
    may = f" (allowed: {against.allowed_s:.1f} s)" if math.isfinite(against.allowed_s) else ""
    return against.name, [
        ("rows that neither had seen", f"{against.rows:,}", f"{against.rows:,}"),
        ("chance of so much by luck alone", f"{against.doubt:.2g} (allowed: {against.allowed:.2g})", ""),
        ("calibration error", f"{ours:.4f}", f"{theirs:.4f}"),
        ("processors for a night's players", f"{took(our_s)}{may}", took(their_s)),
        ("worse beyond doubt where", "; ".join(against.worse) or "nowhere", ""),
    ]


def _plots(contest: Contest, app: App) -> dict[str, Any]:
    """What was promised against what was kept, how the rivals did, and what moves answers, or else is looked at."""
    y, p = contest.holdout["y"].to_numpy(), contest.holdout["p"].to_numpy()
    players, title = contest.holdout["player_key"].to_numpy(), f"{app.title}: {contest.task.name.replace('_', ' ')}"
    entrants = [(e.name, e.log_loss, *e.behind) for e in contest.entrants]
    looks_at = _moves(contest, app, f"{title}, what moves the answer")
    if not looks_at:
        importance = share_of_kinds(contest.model.learner.importance(), contest.task.kinds(app))
        looks_at = {"importance": importance_plot(importance, title=f"{title}, what it looks at")}
    return looks_at | {
        "reliability": reliability_plot(y, p, players, title=f"{title}, later holdout"),
        "contest": contest_plot(entrants, title=f"{title}, who competed", chosen=contest.chosen),
    }


def _tables(contest: Contest, app: App) -> dict[str, pl.DataFrame]:
    """What each feature adds to what the plots show, and the settings tried."""
    about = {feature: kind.about for kind in contest.task.kinds(app).values() for feature in kind.features}
    shares = contest.model.learner.importance().items()
    rows = [(feature, about.get(feature, REST), share) for feature, share in sorted(shares, key=lambda s: -s[1])]
    features = pl.DataFrame(rows, schema=["feature", "about", "share"], orient="row")
    return {"features": features} | ({"tuning": contest.tuned.trials} if contest.tuned.trials.height else {})


def _moves(contest: Contest, app: App, title: str) -> "dict[str, Figure]":
    """How far what it looks at moves answers of the later holdout, by kind of players too; none if it cannot tell."""
    holdout = contest.holdout
    some = holdout.sample(min(holdout.height, _EXPLAINED), seed=_SEED)
    told = contest.model.contributions(some)
    if told is None:
        return {}
    moved, figures = moved_by_kind(some, told, contest.task.kinds(app))
    farthest = moved.select(pl.all().abs().max()).row(0)
    moved = moved.select(name for name, far in zip(moved.columns, farthest, strict=True) if far >= _LEAST_MOVED)
    if not moved.width:
        return {}
    figures = figures.select(moved.columns)
    title = f"{title} ({some.height:,} later rows)"
    drawn = {"contributions": contributions_plot(moved, figures, title=title)}
    quarters = quarters_of(some)
    return drawn | ({"contributions_by_kind": kinds_plot(moved, quarters, title=title)} if quarters else {})


def _parameters(contest: Contest) -> Mapping[str, Any]:
    model = contest.model
    told = {"kind": contest.chosen, **model.learner.told()}
    if (tried := contest.tuned.trials).height:
        told |= {"tuning_tried": tried.height, "tuned": contest.chosen in contest.tuned.settings}
    return {**told, "recalibration_slope": round(model.recalibration.slope, 4)}


_COMPETED = {
    "task": pl.String(),
    "learner": pl.String(),
    "log_loss": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "chosen": pl.Boolean(),
}


def contest_table(contests: Iterable[Contest]) -> pl.DataFrame:
    """task, learner, log_loss, low, high, chosen: the contests as a table people read."""
    return pl.DataFrame(
        [(c.task.name, e.name, e.log_loss, e.low, e.high, e.name == c.chosen) for c in contests for e in c.entrants],
        schema=_COMPETED,
        orient="row",
    )
