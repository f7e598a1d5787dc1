"""What `nightquest models` draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from flows.cli.drawing import Grid, note
from pipelines.review.leaderboard import Leaderboard, Seat


def leaderboard_view(board: Leaderboard) -> RenderableType:
    """Who serves, in a table; then each question's contest, with who waits and why."""
    title = f"Models of {board.app}, for the night of {board.night}"
    table = Grid(title=title, title_justify="left", title_style="bold")
    for name, side in (("task", "left"), ("version", "right"), ("since", "left"), ("data until", "left")):
        table.add_column(name, justify=side, no_wrap=name != "task")
    table.add_column("learner", min_width=13)
    table.add_column("loss", justify="right")
    table.add_column("next", justify="right")
    for seat in board.seats:
        table.add_row(*_line(seat))
    return Group(table, *(part for seat in board.seats for part in _block(seat)), *(note(told) for told in board.notes))


def _line(seat: Seat) -> Sequence[str]:
    if seat.version is None:
        return (seat.task, "none", "", "", "", "", _next(seat))
    since = "next night" if seat.since is None else str(seat.since)
    chosen = next((each["loss"] for each in seat.rivals if each["learner"] == seat.learner), None)
    loss = "" if chosen is None else f"{chosen:.4f}"
    return (seat.task, str(seat.version), since if seat.serves else "", _day(seat), seat.learner, loss, _next(seat))


def _block(seat: Seat) -> list[RenderableType]:
    """A question with its contest; nothing where there is nothing to tell beside the table's line."""
    told: list[RenderableType] = [Text(f"  {seat.why}", style="yellow")] if seat.why else []
    if seat.version is not None and not seat.rivals and not seat.learner:
        told.append(Text("  Of its contest nothing was kept; a training from now on keeps it."))
    if seat.rivals:
        told.append(_contest(seat))
        if seat.rivals[0]["learner"] != seat.learner:
            told.append(
                Text("  Simpler or preferred; nobody is better by more than the standard error of the difference.")
            )
    told += [Text(f"  {_gain(each)}") for each in seat.gains]
    if seat.waiting:
        told.append(Text(f"  Version {seat.waiting.version} ({seat.waiting.learner}): {seat.waiting.reason}."))
        if seat.waiting.to_review:
            told.append(Text("  To let it serve, move the alias champion to it in MLflow.", style="yellow"))
    if seat.promotion == "manual":
        told.append(Text("  A person chose who serves; training leaves it alone."))
    return [Text(f"{seat.task}: {seat.question}", style="bold"), *told, Text("")] if told else []


def _contest(seat: Seat) -> Grid:
    table = Grid()
    for name in ("", "learner", seat.score, "95 % interval", "behind the winner"):
        table.add_column(name, justify="right" if name == seat.score else "left")
    for each in seat.rivals:
        won = each["learner"] == seat.learner
        behind = "{:+.4f} ({:+.4f} to {:+.4f})".format(*each["behind"]) if each["behind"] else ""
        span = f"{each['low']:.4f} to {each['high']:.4f}"
        table.add_row("*" if won else " ", each["learner"], f"{each['loss']:.4f}", span, behind)
    return table


def _gain(each: Mapping[str, Any]) -> str:
    mean, low, high = each["gain"]
    return f"better than {each['over']} by {mean:.4f} ({low:.4f} to {high:.4f}); below 0 is worse"


def _day(seat: Seat) -> str:
    return "" if seat.data_until is None else str(seat.data_until)


def _next(seat: Seat) -> str:
    return "" if seat.waiting is None else str(seat.waiting.version)
