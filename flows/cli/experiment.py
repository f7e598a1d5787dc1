"""`nightquest experiment`: what the ways of writing, or the tables of rewards, that an app tries have shown so far."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from data.warehouse import Warehouse
from flows.cli.drawing import Grid, shorten
from flows.progress import report as told
from models.policies.sequential import FEWEST_PLAYERS
from models.tracking.plots import looks_plot, save_figure
from pipelines.experiments.arms import REWARDS
from pipelines.experiments.experiment import UNITS, ExperimentReport, find_experiment, read_experiment
from pipelines.known import Known
from pipelines.pins import Night, find_night
from pipelines.stores import open_app

_LEGEND = (
    "* what decides. Shares are in percent, their differences in points. Intervals are of 95 %; those at every look "
    "hold however often one looks, those at one look for a single one that was planned ahead."
)

_OF_PERSONAS = (
    "A player is of the persona that counted when they were put into an arm. Intervals hold for all personas together; "
    f"there is none before {FEWEST_PLAYERS} of a persona's players in each arm are known."
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
    if report.personas.height:
        parts.append(_personas(report))
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
    arms = report.arms.to_dicts()
    words = [arm["provider"] != REWARDS for arm in arms]  # of rewards an arm is named for its table
    facts = {
        "provider": [arm["provider"] if own else "" for arm, own in zip(arms, words, strict=True)],
        "prompt": [arm["prompt"] if own else "" for arm, own in zip(arms, words, strict=True)],
        "chance": [_share(arm["propensity"]) for arm in arms],
        "players": [f"{arm['players']:,}" for arm in arms],
        "of them shown": [f"{arm['players_shown']:,}" for arm in arms],
        "issued": [f"{arm['issued']:,}" for arm in arms],
        "shown": [f"{arm['shown']:,}" for arm in arms],
        "own words": [_share(arm["own_words"]) for arm in arms],
    }
    ratios = ", ".join(f"{stage} p = {ratio.p:.2g}" for stage, ratio in report.ratios.items())
    told = Text(f"Split of the players against their chances: {ratios}.", style="dim")
    return Group(_by_arm("who was reached", [arm["arm"] for arm in arms], facts), told, "")


def _outcomes(report: ExperimentReport) -> RenderableType:
    tables = []
    for (metric,), rows in report.results.group_by("metric", maintain_order=True):
        share = metric != "rating"
        arms = rows.to_dicts()
        facts = {
            "known": [f"{row['n']:,}" for row in arms],
            "mean": [_number(row["mean"], share=share) for row in arms],
            "95 %": [_span(row["low"], row["high"], share=share) for row in arms],
            "difference": [_number(row["difference"], share=share, sign="+") for row in arms],
            "at one look": [
                _span(row["difference_low"], row["difference_high"], share=share, sign="+") for row in arms
            ],
            "at every look": [_span(row["always_low"], row["always_high"], share=share, sign="+") for row in arms],
            "shown on": [str(row["found_on"] or "") for row in arms],
        }
        mark = " *" if metric == report.goal else ""
        tables.append(_by_arm(f"{metric}{mark}", rows["arm"].to_list(), facts))
    return Group(*tables, Text(_LEGEND, style="dim"))


def _personas(report: ExperimentReport) -> RenderableType:
    """The goal for the players of each persona: the first arm's mean, and by how much each other arm's differs."""
    share = report.goal != "rating"
    table = Grid(f"{report.goal} by persona", "arm", "known", "mean", "difference", "at every look", "shown on")
    for row in report.personas.to_dicts():
        means = [_number(row["mean"], share=share), _number(row["difference"], share=share, sign="+")]
        always = _span(row["always_low"], row["always_high"], share=share, sign="+")
        table.add_row(row["persona"], row["arm"], f"{row['n']:,}", *means, always, str(row["found_on"] or ""))
    return Group("", table, Text(_OF_PERSONAS, style="dim"))


def _by_arm(title: str, arms: Sequence[str], facts: Mapping[str, Sequence[str]]) -> Table:
    """A column for each arm, the first one first: few arms have many figures. A row without any is left out."""
    table = Grid(title)
    for arm in arms:
        table.add_column(arm, justify="right")
    for name, values in facts.items():
        if any(values):
            table.add_row(name, *values)
    return table


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
