"""What `nightquest explain` draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.nouns import counted
from flows.cli.drawing import Grid, literal
from flows.cli.score_view import days_counted, score_cells
from flows.cli.terms import called
from models.explain.changes import Changed
from pipelines.review.explain import Explanation

CLOSE = 0.7  # R squared from which on a line says something of the model that it follows


def explanation_view(told: Explanation, names: Mapping[str, str]) -> RenderableType:
    """How likely, why, what would have changed it, and beside it what the model looks at for all players.

    Args:
        told: From `explain`.
        names: What people call what the app names, by id, see `names_of`.
    """
    head = Text(f"{told.task} of ", style="bold")
    head.append_text(literal(told.user_id, "bold"))
    head.append(f" in {told.app}, as the night of {told.night} saw them", style="bold")
    parts: list[RenderableType] = [
        head,
        Text(told.question),
        Text(f"Asked: {told.version} ({told.learner.replace('_', ' ')})"),
    ]
    parts += [
        *([Text(days_counted(told.counted_from), style="yellow")] if told.counted_from != told.night else []),
        "",
        _scores(told, names),
        *_reasons(told, names),
        *_second(told, names),
        *_changes(told, names),
        _looks_at(told),
    ]
    return Group(*parts)


def _scores(told: Explanation, names: Mapping[str, str]) -> Table:
    """A line for each answer; a band that is one for several of them, whatever their horizon, stands once."""
    banded = any(row["band"] for row in told.scores)
    table, above = Grid("what", "within", "probability", *(["band"] if banded else [])), ("", "")
    for row in told.scores:
        what, within, chance = score_cells({**row, "task": told.task}, names)
        here = (str(what), row["band"] or "")
        band = ["" if here == above else here[1]] if banded else []
        table.add_row(what, within, f"{row['probability']:.1%}" if chance else "", *band)
        above = here
    return table


def _reasons(told: Explanation, names: Mapping[str, str]) -> list[RenderableType]:
    """The facts that moved each answer most, the strongest first."""
    if not told.reasons:
        return [Text(f"The learner {told.learner} does not tell what moved an answer."), ""]
    lines: list[RenderableType] = [Text("Why: what moved the answer most, the strongest first", style="bold")]
    for row in told.reasons:
        lines += _of_what(row, names, alone=len(told.reasons) == 1)
        lines += [literal(f"  {fact}") for fact in row["facts"]]
    return [*lines, ""]


def _of_what(row: Mapping[str, Any], names: Mapping[str, str], *, alone: bool) -> list[RenderableType]:
    within = counted(row["horizon_days"], "day")
    if row["target"] is not None:
        return [literal(f"{called(row['target'], names)}, {within}")]
    return [] if alone else [literal(f"within {within}")]


def _second(told: Explanation, names: Mapping[str, str]) -> list[RenderableType]:
    """What a line around the player says, and where it differs from the reasons above."""
    if told.second is None:
        return []
    lines: list[RenderableType] = [
        Text("A second opinion: a line through the model's answers around this player (LIME)", style="bold"),
        Text(f"It follows the model with an R squared of {told.second.fidelity:.2f}{_how_close(told.second.fidelity)}"),
        Text("It weighs against what is usual tonight, the reasons above against what was in the past."),
    ]
    for row in told.second.reasons:
        lines += _of_what(row, names, alone=len(told.second.reasons) == 1)
        lines += [literal(f"  {fact}") for fact in row["facts"]]
        lines += [literal(f"  {each}") for each in _differs(row["differs"])]
    return [*lines, ""]


def _differs(differs: Sequence[str]) -> list[str]:
    return [f"differs: {each}" for each in differs] or ["It names all of the reasons above."]


def _how_close(fidelity: float) -> str:
    return "." if fidelity >= CLOSE else ": too loosely to hold anything against the reasons above."


def _changes(told: Explanation, names: Mapping[str, str]) -> list[RenderableType]:
    if not told.changes:
        return []
    lines = [literal(f"  {_change(each, names)}") for each in told.changes]
    title = Text("What would have changed it, as the model says; no promise of what would have happened", style="bold")
    return [title, *lines, ""]


def _change(each: Changed, names: Mapping[str, str]) -> str:
    about = "" if each.target is None else f"{called(each.target, names)}: "
    within = f"within {counted(each.within_days, 'day')}"
    little = "" if each.enough else ", which is little"
    return f"{about}if {each.text}: {each.after:.1%} {within} rather than {each.before:.1%}{little}"


def _looks_at(told: Explanation) -> Table:
    table = Grid(title="What it looks at, for all players", title_justify="left", title_style="bold")
    table.add_column("share", justify="right")
    table.add_column("of what moves its answers")
    for about, share in told.looks_at.items():
        table.add_row(f"{share:.0%}", about)
    return table
