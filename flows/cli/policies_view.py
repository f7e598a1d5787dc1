"""What `nightquest policies` draws."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from configs.nouns import counted
from flows.cli.drawing import Grid
from pipelines.review.policies import GOALS, PolicyReport

_LEGEND = (
    "In percent. 'as now' is how things are chosen: mostly the likelier. 'surer' and 'likeliest' choose the likelier "
    "more often and always, 'evenly' all alike, 'even odds' those that are neither sure nor hopeless. 'counts as': as "
    "how many choices of its own the rows count for a way. Only what comes first is chosen otherwise. Intervals "
    "are of 95 %, by player."
)


def policies_view(report: PolicyReport) -> RenderableType:
    """The verdicts, then each kind and goal with every way and estimate."""
    over = counted(report.nights, "night")
    head = f"Other ways to recommend in {report.app}, by the choices of {over} to {report.as_of}"
    parts: list[RenderableType] = [Text(head, style="bold"), *(Text(told) for told in report.verdict), Text("")]
    for (kind, goal), rows in report.judged.group_by("kind", "goal", maintain_order=True):
        first = rows.row(0, named=True)
        of = f"{first['choices']:,} choices, {counted(first['players'], 'player')}"
        table = Grid(title=f"{kind}s: {GOALS[str(goal)]} ({of})", title_justify="left", title_style="bold")
        table.add_column("way")
        for name in ("counts as", "IPS", "SNIPS", "clipped", "DR", "DR, more than now"):
            table.add_column(name, justify="right")
        for row in rows.to_dicts():
            table.add_row(*_line(row))
        parts.append(table)
    return Group(*parts, Text(_LEGEND, style="dim"))


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    means = (f"{100 * row[name]:.1f}" for name in ("ips", "snips", "snips_clipped"))
    robust = f"{100 * row['dr']:.1f} ±{196 * row['dr_se']:.1f}"
    more = "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * row[name] for name in ("more", "more_low", "more_high")))
    return (row["policy"], f"{row['effective']:,.0f}", *means, robust, more if row["more_high"] else "")
