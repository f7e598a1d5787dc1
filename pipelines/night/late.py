"""A night made when later ones are out already: it is there to be looked at, unless somebody means it to count.

Players have read the later nights. What a late one promised them nobody would have seen, so by default it makes no
promise, pays nothing, judges nothing and buys no words; its folder says so in the manifest.
"""

from dataclasses import replace

from configs.commands import command
from pipelines.known import Known
from pipelines.pins import Night, later_night
from pipelines.words.wishes import RunContext


def late_context(night: Night, context: RunContext) -> RunContext:
    """What a night may use to write: one that issues nothing is written offline, unless a provider was asked for."""
    if night.issues or context.wishes.provider is not None:
        return context
    return replace(context, wishes=replace(context.wishes, provider="offline"))


def late_note(known: Known) -> tuple[str, ...]:
    """What a person must know of a late night; nothing for one made in its turn.

    Args:
        known: What the night may see.
    """
    if not known.night.late:
        return ()
    made = (
        f"The night of {known.as_of} was made late: that of {later_night(known.warehouse, known.as_of)} is out already."
    )
    if known.night.issues:
        return (f"{made} It was asked to issue, so its challenges and awards count.",)
    again = command("nightly", "--as-of", known.as_of, "--issue", app=known.app.app)
    return (f"{made} It is there to be looked at: it promises and pays nothing. To let it count, run: {again}",)
