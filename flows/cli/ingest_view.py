"""How `nightquest ingest` tells people what became of their files."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from configs.nouns import counted
from flows.cli.drawing import Grid, figures_table, note, shorten
from pipelines.activity.ingest import IngestResult


def ingest_view(app: str, result: IngestResult) -> RenderableType:
    """The counts, the files that did not go in, and why rows were refused."""
    counts = {"taken": result.taken, "known already": result.known, "refused rows": result.refused}
    counts |= {"taken back": result.retracted} if result.retracted else {}
    counts |= {"calendar": result.calendar} if result.calendar else {}
    events = {name.replace("_", " "): n for name, n in result.by_event.items()}
    parts: list[RenderableType] = [figures_table(f"Taken into {app}", counts | {"events": events})]
    left_out = [d for d in result.deliveries if d.state in {"refused", "ignored"}]
    if left_out:
        table = _table("file", "", "why")
        for delivery in left_out:
            table.add_row(str(shorten(Path(delivery.file))), delivery.state, delivery.reason)
        parts.append(table)
    if result.reasons:
        table = _table("refused rows", "why", "first")
        for reason in result.reasons:
            table.add_row(f"{reason.rows:,}", reason.reason, f"{shorten(Path(reason.file))}:{reason.line}")
        parts.append(table)
    if result.waiting:
        told = counted(result.waiting, "retraction")
        parts.append(Text(f"{told} of what is not here: it will not count when it comes."))
    parts += [note(told) for told in result.drift]
    if result.held_back:
        parts.append(Text(f"Left out: {counted(result.held_back, 'row')} of people who were erased."))
    if result.unused:
        told = "; ".join(f"{what} ({n:,})" for what, n in result.unused.items())
        parts.append(Text(f"Taken, but without effect: {told}."))
    if (n_known := sum(d.state == "already taken" for d in result.deliveries)) > 0:
        parts.append(Text(f"Taken before: {counted(n_known, 'file')}.", style="dim"))
    return Group(*parts)


def _table(*columns: str) -> Table:
    return Grid(*columns)
