"""From fitted segments to the record a reviewer decides from."""

import datetime as dt
from dataclasses import asdict
from typing import Any

import polars as pl

from configs.app import App
from configs.nouns import counted
from models.contest.outcome import Decision
from models.statistics.mixture_search import SETTING
from models.tasks.segments import PARENT, SegmentModel, Segments
from models.tracking.pages import ModelRun, Shown
from models.tracking.plots import mixtures_plot, segments_plot
from pipelines.pins import Night
from pipelines.players.segments import PAST_WINDOWS, WINDOW_DAYS, SegmentFit, Strength, assign_segments, on_day

_PLOTTED = 6  # cohorts
_NEAREST = 5  # settings of each


def segments_run(
    segments: SegmentFit,
    past: Strength,
    night: Night,
    app_hash: str,
    code_version: str,
    serving: tuple[str, SegmentModel] | None = None,
) -> ModelRun:
    """Everything recorded about fitted segments.

    Args:
        segments: As they were fitted.
        past: What they were fitted on; its newest window is plotted.
        night: The first that they could serve.
        app_hash: Of the app file that they were fitted for.
        code_version: Of Nightquest.
        serving: What serves, and its name for people; None where nothing does that suits the app.

    Raises:
        ValueError: There is no model to record.
    """
    model, app = segments.model, night.app
    if model is None:
        raise ValueError("there are no segments to record")
    tonight = on_day(past, night.base_day)
    members, score = _members(app, model, tonight), f"{app.called(app.segments.score)} in {WINDOW_DAYS} days"
    parent = model.quality.row(by_predicate=pl.col("cohort") == PARENT, named=True)
    cohorts = model.quality["cohort"].to_list()
    return ModelRun(
        model=model,
        question=Segments.question,
        decision=_segments_decision(model),
        data_window={"first": _first_day(past, night), "last": night.base_day - dt.timedelta(days=1)},
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
        score="log-density of players left out",
        figures=_segment_figures(segments, model, members, score, app),
        used_for=Segments.used_for,
        changes=_changes(app, members, serving[0], _members(app, serving[1], tonight)) if serving else "",
        notes=Segments.notes,
        tables={"tried": segments.trials},
        shown=[*_how_chosen(segments, model), _who_is_where(app, members, score)],
        limits=(*Segments.limits, *_fewer(model), *([segments.note] if segments.note else [])),
        example={"cohort": cohorts},
    )


def _fewer(model: SegmentModel) -> list[str]:
    """A sentence where mixtures have fewer groups than the app has levels."""
    rows = model.quality.filter(pl.col("components") < len(model.levels))
    said = [
        f"{counted(row['components'], 'group')} for {'all players' if row['cohort'] == PARENT else row['cohort']}"
        for row in rows.to_dicts()
    ]
    more = "mixtures of more were not stable, or said no more of players left out"
    return [f"Of {len(model.levels)} levels not all are given ({', '.join(said)}): {more}."] if said else []


def _how_chosen(segments: SegmentFit, model: SegmentModel) -> list[Shown]:
    """The mixtures that serve, and of each cohort the settings that came nearest to serving."""

    def rounded(*names: str) -> list[pl.Expr]:
        return [_decimals(pl.col(name)) for name in names]

    who = pl.col("cohort").replace(PARENT, "all players")
    figures = ("stability", "silhouette", "posterior", "smallest_share")
    shown = ("components", "covariance", pl.col("bend").alias("scale"), pl.col("without").alias("left out"))
    serve = model.quality.select(who, "players", *shown, *rounded("held_out", *figures))
    said = "; ".join(f"{name.replace('_', ' ')}: {Segments.notes[name]}" for name in ("held_out", *figures))
    chosen = model.quality.select("cohort", *SETTING, serves=pl.lit("serves"))
    tried = segments.trials.join(chosen, on=["cohort", *SETTING], how="left")
    place = pl.col("held_out").rank("ordinal", descending=True).over("cohort")
    near = tried.filter((place <= _NEAREST) | pl.col("serves").is_not_null())
    near = near.sort("cohort", "held_out", descending=[False, True])
    may = pl.when("allowed").then(pl.lit("yes")).when(~pl.col("allowed")).then(pl.lit("no"))
    near = near.select(
        who,
        *shown,
        *rounded("held_out", "stability", "silhouette", "smallest_share"),
        may.alias("stable enough"),
        pl.col("serves").alias("chosen"),
    )
    least = (
        f"Of each cohort the {_NEAREST} that say most of players left out, of those in `tables/tried.csv`. Among those "
        "that are stable enough and say hardly less than the best of them, the usual scale (`log`) and measures "
        "(`none` left out) come first, then as many components as the app has levels, then the largest silhouette; "
        "where none is stable, the most stable serves. Empty: not resampled, since it said clearly less than one that "
        "was stable, or has too small a group."
    )
    return [Shown("Mixtures that serve", serve, f"{said}."), Shown("Settings tried", near, least)]


def _who_is_where(app: App, members: pl.DataFrame, score: str) -> Shown:
    """How many of tonight's players each segment has, and what they score: what moving the alias gives them."""
    level, shown = pl.col("segment").cast(pl.Enum(app.segments.levels)), pl.col("score")
    middle, low, high = (_decimals(shown.quantile(share, "linear")) for share in (0.5, 0.25, 0.75))
    among = pl.col("judged_as").replace(PARENT, "all players").alias("judged among")
    half = pl.format("{} to {}", low, high).alias("middle half")
    rows = members.group_by(among, level).agg(pl.len().alias("players"), middle.alias("median"), half)
    told = f"Median and middle half are of {score}, by which segments are put in order."
    return Shown("Tonight's players", rows.sort("judged among", "segment"), told)


def _changes(app: App, after: pl.DataFrame, name: str, before: pl.DataFrame) -> str:
    """How many of tonight's players go up and down, in a sentence."""
    level = pl.col("segment").replace_strict({level: at for at, level in enumerate(app.segments.levels)})
    up = after.select(level).to_series().cast(pl.Int64) - before.select(level).to_series().cast(pl.Int64)
    ups, downs = int((up > 0).sum()), int((up < 0).sum())
    return (
        f"Beside {name}, which served: of tonight's {counted(after.height, 'player')} {after.height - ups - downs:,} "
        f"stay at their level, {ups:,} go up and {downs:,} down."
    )


def _decimals(figure: pl.Expr) -> pl.Expr:
    """A figure with two decimals; null stays so."""
    return figure.round(2).map_elements("{:.2f}".format, return_dtype=pl.String)


def _first_day(past: Strength, night: Night) -> dt.date:
    """That of the first window, or of the first play where that is later."""
    first = night.base_day - dt.timedelta(days=WINDOW_DAYS * PAST_WINDOWS)
    played = past[0].select((pl.col("base_day") - pl.duration(days="tenure_days")).min()).item()
    return first if played is None else max(first, played)


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
    names = ("held_out", "stability", "silhouette", "posterior", "smallest_share", "components", "converged")
    cohort = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in row["cohort"])
    end = "" if row["cohort"] == PARENT else f"/{cohort}"
    return {f"{name}{end}": float(row[name]) for name in names}


def _members(app: App, model: SegmentModel, tonight: Strength) -> pl.DataFrame:
    """Tonight's players: as in `assign_segments`, with their score."""
    features, cohorts, played = tonight
    assigned = assign_segments(app, features, model, cohorts.select("player_key", "cohort"), played)
    scores = features.select("player_key", score=f"{app.segments.score}__{WINDOW_DAYS}")
    return assigned.join(scores, on="player_key", how="left", maintain_order="left")


def _segment_figures(
    segments: SegmentFit, model: SegmentModel, members: pl.DataFrame, score: str, app: App
) -> dict[str, Any]:
    """What settings say of players left out, and tonight's players by segment: of everyone and the largest cohorts."""
    figures = {}
    for row in model.quality.sort("players", descending=True).head(_PLOTTED).to_dicts():
        cohort, name = row["cohort"], "".join(c if c.isalnum() else "_" for c in row["cohort"])
        trials = segments.trials.filter(pl.col("cohort") == cohort)
        title = f"{app.title}: {'all players' if cohort == PARENT else cohort}"
        figures[f"mixtures_{name}"] = mixtures_plot(trials, title=title, chosen=(row["components"], row["held_out"]))
        judged = members.filter(pl.col("judged_as") == cohort)
        if judged.height:
            levels = app.segments.levels
            figures[f"segments_{name}"] = segments_plot(judged, levels=levels, score=score, title=title)
    return figures
