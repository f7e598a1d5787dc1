"""How the commands draw their results for people."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from data.compaction import Compacted
from flows.cli.drawing import Grid, figures_table, note, readable, shorten
from pipelines.publish.deliver import Deliveries
from pipelines.reports import NightReport, ReplayReport, TrainReport

# What windows promised stands beside what became of those same windows, once they are over.
EACH_NIGHT = ("challenges", "promised", "ended", "ended_promised", "ended_kept", "xp_paid", "badges_awarded")


def nights_view(reports: Sequence[NightReport]) -> RenderableType:
    """Each night's figures and where it lies; many nights in one line each."""
    if len(reports) == 1:
        return _night(reports[0])
    tables = [_nights(app, list(some)) for app, some in groupby(reports, lambda report: report.path.parent.name)]
    notes = dict.fromkeys(told for report in reports for told in report.notes)
    folders = dict.fromkeys(str(shorten(report.path.parent)) for report in reports)
    return Group(*tables, *(note(told) for told in notes), Text(f"In {', '.join(folders)}", style="dim"))


def training_view(app: str, report: TrainReport) -> RenderableType:
    """Each task's contest with the winner marked, and what fell back."""
    notes = [note(told) for told in report.notes]
    versions = ", ".join(f"{app}.{task} version {version}" for task, version in report.versions.items())
    return Group(
        _groups(f"Models of {app}, as of {report.as_of}", report.contests.to_dicts()),
        *notes,
        f"Registered: {versions or 'none'}",
    )


def deliveries_view(app: str, result: Deliveries) -> RenderableType:
    """What went where, with its receipt, and what is still lacking."""
    table = Grid("destination", "night", "receipt")
    for row in result.done:
        table.add_row(*row)
    nothing = "" if result.failed else note(f"No destination lacks a night of {app}.", "")
    return Group(table if result.done else nothing, *(note(told) for told in result.failed))


def compacted_view(app: str, result: Compacted) -> RenderableType:
    """How large the warehouse was and is."""
    before, after = decimal(result.before), decimal(result.after)
    return Text(f"The warehouse of {app}: {before} before, {after} now.")


def replay_view(app: str, report: ReplayReport) -> RenderableType:
    """The headline figures, each list of groups as a table, and where the plot lies."""
    lists = {name: rows for name, rows in report.figures.items() if isinstance(rows, list) and rows}
    groups = [_groups(name.replace("_", " "), rows) for name, rows in lists.items()]
    plot = Text(f"Reliability plot: {shorten(Path(report.plot))}", style="dim")
    return Group(figures_table(f"Promised and kept: {app}", report.figures), *groups, plot)


def _nights(app: str, reports: Sequence[NightReport]) -> Table:
    """A line a night, and its state below the day where it was not simply published."""
    table = Grid(title=app, title_justify="left", title_style="bold")
    table.add_column("night", no_wrap=True)
    for name in EACH_NIGHT:
        table.add_column(name.removesuffix("_awarded").replace("_", " "), justify="right")
    for report in reports:
        state = "" if (told := _state(report)) == "published" else f"\n{told}"
        table.add_row(f"{report.as_of}{state}", *(readable(report.figures[name]) for name in EACH_NIGHT))
    return table


def _night(report: NightReport) -> RenderableType:
    place = Text(f"{_state(report)}: {shorten(report.path)}", style="bold")
    notes = [note(told) for told in report.notes]
    return Group(figures_table(f"The night of {report.as_of}", report.figures), *notes, place)


def _state(report: NightReport) -> str:
    state = "unchanged" if report.unchanged else "published"
    return state if report.issued else f"{state}, not issued"


def _groups(name: str, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = Grid(*(column.replace("_", " ") for column in (rows[0] if rows else ())))
    for row in rows:
        table.add_row(*(_cell(part) for part in row.values()))
    return Group(Text(name, style="bold"), table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,.3f}" if isinstance(value, float) else readable(value)
