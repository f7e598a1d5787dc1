"""`nightquest experiment`: what the ways of writing that an app tries have shown so far."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from data.warehouse import Warehouse
from flows.cli.console import Grid, shorten
from flows.progress import report as told
from models.tracking.plots import looks_plot, save_figure
from pipelines.experiments.experiment import UNITS, ExperimentReport, find_experiment, read_experiment
from pipelines.known import Known
from pipelines.pins import Night, find_night
from pipelines.stores import open_app

_LEGEND = (
    "* what decides. Shares are in percent, their differences in points. Intervals are of 95 %; those at every look "
    "hold however often one looks, those at one look for a single one that was planned ahead."
)


@dataclass(frozen=True)
class ExperimentView:
    """A report and where its picture lies; None when there is nothing to draw yet."""

    report: ExperimentReport
    plot: Path | None


def read(settings: Settings, app: str, name: str | None, as_of: dt.date | None) -> ExperimentView:
    """Read an experiment as the newest night up to a day knew it, and draw it under home.

    Raises:
        NightquestError: No night is out by then, or the app has tried nothing.
    """
    loaded = load_app(app)
    told("Reading the experiment", 0, 1)
    with open_app(settings, loaded) as warehouse:
        experiment, goal = find_experiment(warehouse, loaded.app, name)
        found = read_experiment(Known(warehouse, _night(warehouse, loaded, as_of)), experiment, goal)
    told("Reading the experiment", 1, 1)
    return ExperimentView(found, _draw(settings.home, loaded, found) if found.looks.height else None)


def experiment_view(view: ExperimentView) -> RenderableType:
    """For people: the verdict, who was reached, and every outcome with its intervals."""
    report = view.report
    head = Text(f"Experiment {report.experiment} of {report.app}, as the night of {report.as_of} knew it", style="bold")
    verdict = Text(report.verdict, style="" if report.valid else "yellow")
    parts: list[RenderableType] = [head, verdict]
    if report.arms.height:
        parts += ["", _reach(report)]
    if report.results.height:
        parts.append(_outcomes(report))
    if view.plot is not None:
        parts.append(Text(f"Day by day: {shorten(view.plot)}", style="dim"))
    return Group(*parts)


def _night(warehouse: Warehouse, loaded: LoadedApp, as_of: dt.date | None) -> Night:
    night = find_night(warehouse, loaded.app, as_of)
    if night is None:
        by = f" by {as_of}" if as_of else ""
        raise NightquestError(
            f"No night of '{loaded.app.app}' is out{by}.", f"Look again after: {command('nightly', app=loaded.app.app)}"
        )
    return night


def _draw(home: Path, loaded: LoadedApp, report: ExperimentReport) -> Path:
    """The picture, under a name that any experiment's name makes safe."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in report.experiment)
    figure = looks_plot(
        report.looks,
        title=f"{loaded.app.title}: experiment {report.experiment}, to {report.as_of}\n{UNITS[report.goal]}",
        first=report.arms["arm"][0],
        share=report.goal != "rating",
    )
    return save_figure(figure, home / "experiments" / loaded.app.app / f"{safe}.png")


def _reach(report: ExperimentReport) -> RenderableType:
    columns = ("arm", "provider", "prompt", "chance", "players", "of them shown", "issued", "shown", "own words")
    table = Grid()
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number > 2 else "left")
    for arm in report.arms.to_dicts():
        counts = (f"{arm[name]:,}" for name in ("players", "players_shown", "issued", "shown"))
        own = _share(arm["own_words"])
        table.add_row(arm["arm"], arm["provider"], arm["prompt"], _share(arm["propensity"]), *counts, own)
    ratios = ", ".join(f"{stage} p = {ratio.p:.2g}" for stage, ratio in report.ratios.items())
    return Group(table, Text(f"Split of the players against their chances: {ratios}.", style="dim"))


def _outcomes(report: ExperimentReport) -> RenderableType:
    table = Grid()
    table.add_column("outcome")
    table.add_column("arm")
    for name in ("known", "mean", "95 %", "difference", "at one look", "at every look", "shown on"):
        table.add_column(name, justify="right", no_wrap=True)
    for metric, rows in report.results.group_by("metric", maintain_order=True):
        for row in rows.to_dicts():
            share = metric[0] != "rating"
            mark = " *" if metric[0] == report.goal else ""
            table.add_row(
                f"{metric[0]}{mark}",
                row["arm"],
                f"{row['n']:,}",
                _number(row["mean"], share=share),
                _span(row["low"], row["high"], share=share),
                _number(row["difference"], share=share, sign="+"),
                _span(row["difference_low"], row["difference_high"], share=share, sign="+"),
                _span(row["always_low"], row["always_high"], share=share, sign="+"),
                str(row["found_on"] or ""),
            )
    return Group(table, Text(_LEGEND, style="dim"))


def _number(value: float | None, *, share: bool, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{100 * value:{sign}.1f}" if share else f"{value:{sign}.2f}"


def _span(low: float | None, high: float | None, *, share: bool, sign: str = "") -> str:
    if low is None or high is None:
        return ""
    return f"{_number(low, share=share, sign=sign)} to {_number(high, share=share, sign=sign)}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
