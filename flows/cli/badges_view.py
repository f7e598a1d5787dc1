"""`nightquest badges`: how an app's badges do, for people."""

from rich.console import Group, RenderableType
from rich.text import Text

from configs.loader import LoadedApp
from configs.settings import Settings
from flows.cli.drawing import Grid, literal
from pipelines.badges.foresee import all_known
from pipelines.badges.performance import DAYS, Around, BadgeFigures, badge_performance
from pipelines.stores import open_app

NOT_A_CAUSE = (
    f"Active days in {DAYS} days before and after an award, beside players who played on the same day, as often "
    "before, and got no such badge. It goes with the badge; whether it comes from it, only an experiment could tell."
)

EMPTY = f"Empty: the {DAYS} days after awards are not over yet, or nobody who played as often is without the badge."


def gather_badges(settings: Settings, loaded: LoadedApp) -> tuple[BadgeFigures, ...]:
    """The figures of the app's badges; nothing is written.

    Raises:
        BusyError: Another process is working on the app.
        NightquestError: There are no events.
    """
    with open_app(settings, loaded) as warehouse:
        return badge_performance(all_known(warehouse, loaded.app))


def badges_view(app: str, badges: tuple[BadgeFigures, ...]) -> RenderableType:
    """A line a badge, then what the numbers do not say."""
    table = Grid()
    table.add_column("badge", min_width=18)
    table.add_column("tier", no_wrap=True)
    for name in (
        "prestige",
        "XP",
        "hold it",
        "share",
        f"{DAYS} d",
        "before > after",
        "others",
        "differ by",
        "back",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for one in badges:
        table.add_row(literal(f"{one.title}{_state(one)}"), one.tier, *_counts(one), *_around(one.around))
    head = Text(f"Badges of {app}: who has them, and how they play", style="bold")
    if not badges:
        return Text(f"{app} has no badges.")
    empty = [EMPTY] if any(one.holders and one.around is None for one in badges) else []
    return Group(head, table, Text(" ".join([NOT_A_CAUSE, *empty]), style="dim"))


def _state(one: BadgeFigures) -> str:
    if one.state == "on_hold":
        return f" (on hold, {one.waiting:,} waiting)"
    return f" ({one.state})" if one.state != "open" else ""


def _counts(one: BadgeFigures) -> tuple[str, ...]:
    return str(one.prestige or ""), f"{one.xp:,}", f"{one.holders:,}", f"{one.share:.1%}", f"{one.lately:,}"


def _around(one: Around | None) -> tuple[str, ...]:
    if one is None:
        return ("", "", "", "")
    error = "" if one.error is None else f" ± {2 * one.error:.1f}"
    return (
        f"{one.before:.1f} > {one.after:.1f}",
        f"{one.others_before:.1f} > {one.others_after:.1f}",
        f"{one.difference:+.1f}{error}",
        f"{one.returned:.0%}, {one.others_returned:.0%}",
    )
