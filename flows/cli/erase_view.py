"""What `nightquest erase` tells: what would go or went, what destinations said, and where the id still stands."""

from rich.console import Group, RenderableType

from configs.commands import command
from configs.nouns import counted
from flows.cli.drawing import Grid, literal, note
from pipelines.erasure.erase import Erasure


def erasure_view(found: Erasure, user: str, *, asked: bool) -> RenderableType:
    """A table of places with rows, and sentences for what a person should know."""
    table = Grid("of this person in", "rows")
    for name, n in found.warehouse.items():
        table.add_row(literal(f"the warehouse, {name}"), f"{n:,}")
    for night, n in found.published.items():
        table.add_row(literal(f"the night {night}"), f"{n:,}")
    beside = {
        "replays": found.replays,
        "questions put to language models": found.asked,
        "logs, by name": found.named,
    }
    for name, n in beside.items():
        if n:
            table.add_row(name, f"{n:,}")
    for name, receipt in found.destinations.items():
        table.add_row(literal(f"the destination {name}"), literal(receipt))
    return Group(
        table, *(note(told) for told in found.failed), note(_outcome(found, user, asked=asked), ""), *_left(found)
    )


def _outcome(found: Erasure, user: str, *, asked: bool) -> str:
    if not asked:
        return f"Nothing was changed. To erase them: {command('erase', user, '--yes', app=found.app)}"
    if not found.done:
        return "All else is erased. Mend that destination, and run the same again."
    back = "later deliveries of theirs are taken again" if found.comes_back else "later deliveries of theirs stay out"
    return f"Erased; {back}."


def _left(found: Erasure) -> list[RenderableType]:
    if not found.left:
        return []
    places = ", ".join(found.left)
    return [note(f"The id still stands in {counted(len(found.left), 'place')}, of others or by chance: {places}.")]
