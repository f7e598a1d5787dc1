"""From a contest, or from fitted segments, to the record a reviewer decides from."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from configs.app import App
from configs.nouns import counted
from models.contest.hold import BASE_RATE, Contest
from models.contest.kinds import quarters_of
from models.contest.outcome import Decision, Rival
from models.contest.promotion import Against, Gain
from models.explain.reasons import REST, moved_by_kind, share_of_kinds
from models.learners import learners
from models.tasks.segments import PARENT, SegmentModel, Segments
from models.tracking.pages import ModelRun, Shown
from models.tracking.plots import (
    bic_plot,
    contest_plot,
    contributions_plot,
    importance_plot,
    kinds_plot,
    reliability_plot,
    segments_plot,
)
from pipelines.learning.outdated import DEFINITIONS, definitions_of
from pipelines.pins import Night
from pipelines.players.segments import PAST_WINDOWS, WINDOW_DAYS, SegmentFit, Strength, assign_segments, on_day

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLOTTED = 6
_EXPLAINED = 1_000
_NEAREST = 5


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
            "log_loss": next((e.log_loss, e.low, e.high) for e in contest.entrants if e.name == chosen),
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
    usual = f"says {contest.base:.2g} of everybody, how often it happened in the rows before"
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
        ("processors for a night's players", f"{our_s:.1f} s{may}", f"{their_s:.1f} s"),
        ("worse beyond doubt where", "; ".join(against.worse) or "nowhere", ""),
    ]


def _plots(contest: Contest, app: App) -> dict[str, Any]:
    """What was promised against what was kept, what the winner looks at, and how the rivals did."""
    y, p = contest.holdout["y"].to_numpy(), contest.holdout["p"].to_numpy()
    players, title = contest.holdout["player_key"].to_numpy(), f"{app.title}: {contest.task.name.replace('_', ' ')}"
    entrants = [(e.name, e.log_loss, *e.behind) for e in contest.entrants]
    importance = share_of_kinds(contest.model.learner.importance(), contest.task.kinds(app))
    return _moves(contest, app, f"{title}, what moves the answer") | {
        "reliability": reliability_plot(y, p, players, title=f"{title}, later holdout"),
        "importance": importance_plot(importance, title=f"{title}, what it looks at"),
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
    some = holdout.sample(min(holdout.height, _EXPLAINED), seed=_PLOTTED)
    told = contest.model.contributions(some)
    if told is None:
        return {}
    moved, figures = moved_by_kind(some, told, contest.task.kinds(app))
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


def contest_table(contests: Iterable[Contest]) -> pl.DataFrame:
    """task, learner, log_loss, low, high, chosen: the contests as a table people read."""
    return pl.DataFrame(
        [(c.task.name, e.name, e.log_loss, e.low, e.high, e.name == c.chosen) for c in contests for e in c.entrants],
        schema=["task", "learner", "log_loss", "low", "high", "chosen"],
        orient="row",
    )


def segments_run(segments: SegmentFit, past: Strength, night: Night, app_hash: str, code_version: str) -> ModelRun:
    """Everything recorded about fitted segments.

    Args:
        segments: As they were fitted.
        past: What they were fitted on; its newest window is plotted.
        night: The first that they could serve.
        app_hash: Of the app file that they were fitted for.
        code_version: Of Nightquest.

    Raises:
        ValueError: There is no model to record.
    """
    model, app = segments.model, night.app
    if model is None:
        raise ValueError("there are no segments to record")
    tonight = on_day(past, night.base_day)
    parent = model.quality.row(by_predicate=pl.col("cohort") == PARENT, named=True)
    cohorts = model.quality["cohort"].to_list()
    return ModelRun(
        model=model,
        question=Segments.question,
        decision=_segments_decision(model),
        data_window={
            "first": night.base_day - dt.timedelta(days=WINDOW_DAYS * PAST_WINDOWS),
            "last": night.base_day - dt.timedelta(days=1),
        },
        rows={"windows": parent["rows"], "players": parent["players"], "tonight": tonight[0].height},
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
        figures=_segment_figures(segments, model, tonight, app),
        used_for=Segments.used_for,
        notes=Segments.notes,
        tables={"tried": segments.trials},
        shown=_how_chosen(segments, model),
        limits=(*Segments.limits, *([segments.note] if segments.note else [])),
        example={"cohort": cohorts},
    )


def _how_chosen(segments: SegmentFit, model: SegmentModel) -> list[Shown]:
    """The mixtures that serve, and of each cohort the settings that came nearest to serving."""

    def rounded(*names: str) -> list[pl.Expr]:
        return [pl.col(name).round(2).cast(pl.String) for name in names]

    bic = pl.col("bic").round(0).cast(pl.Int64)
    who = pl.col("cohort").replace(PARENT, "all players")
    figures = ("stability", "silhouette", "posterior", "smallest_share")
    serve = model.quality.select(who, "players", "components", "covariance", bic, *rounded(*figures))
    said = "; ".join(f"{name.replace('_', ' ')}: {Segments.notes[name]}" for name in ("bic", *figures))
    chosen = model.quality.select("cohort", "components", "covariance", serves=pl.lit("serves"))
    tried = segments.trials.join(chosen, on=["cohort", "components", "covariance"], how="left")
    place = pl.col("bic").rank("ordinal").over("cohort")
    near = tried.filter((place <= _NEAREST) | pl.col("serves").is_not_null()).sort("cohort", "bic")
    may = pl.when("allowed").then(pl.lit("yes")).when(~pl.col("allowed")).then(pl.lit("no"))
    near = near.select(
        who,
        "components",
        "covariance",
        bic,
        *rounded("stability", "smallest_share"),
        may.alias("stable enough"),
        pl.col("serves").alias("chosen"),
    )
    least = (
        f"Of each cohort the {_NEAREST} with the lowest BIC of those in `tables/tried.csv`: the lowest that is stable "
        "enough serves, and where none is, the most stable. Of many players BIC here is that of a sample. Empty: not "
        "resampled, since a lower BIC was stable enough already."
    )
    return [Shown("Mixtures that serve", serve, f"{said}."), Shown("Settings tried", near, least)]


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


def _segment_figures(segments: SegmentFit, model: SegmentModel, tonight: Strength, app: App) -> dict[str, Any]:
    """BIC of the settings tried, and tonight's players by segment, for everyone and the largest cohorts."""
    column = f"{app.segments.score}__{WINDOW_DAYS}"
    features, cohorts, played = tonight
    assigned = assign_segments(app, features, model, cohorts.select("player_key", "cohort"), played)
    members = assigned.join(
        features.select("player_key", score=column), on="player_key", how="left", maintain_order="left"
    )
    label, figures = app.called(app.segments.score), {}
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
