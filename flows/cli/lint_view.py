"""What `nightquest check` says of a valid file: likely mistakes in it, and what it would grant if it went live."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from configs.app import App
from configs.nouns import counted
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.drawing import Grid, literal, note, part_done
from pipelines.badges.foresee import Foreseen, foresee
from pipelines.badges.lint import Advice


def foresee_app(settings: Settings, app: App) -> Foreseen:
    """What the file would grant at once; nothing is written."""
    with open_warehouse(
        settings.home, app.app, threads=settings.threads, wait_for_lock_s=settings.wait_for_lock_s
    ) as warehouse:
        return foresee(warehouse, app, flood_badges=settings.flood_badges, flood_xp=settings.flood_xp)


def advice_text(advice: Sequence[Advice]) -> str:
    """Each key with what is odd and what to do."""
    if not advice:
        return "Nothing in it looks unintended."
    return "\n".join(["What may not be meant:", *(f"  {one.key}: {one.says}; {one.remedy}." for one in advice)])


def foreseen_view(seen: Foreseen) -> RenderableType:
    """A line a badge, who gains, and whether it would pass without a word."""
    table = Grid("badge")
    for name in ("hold it", "would gain it", "XP", "nearest other"):
        table.add_column(name, justify="right")
    table.add_column("such as")
    for badge in seen.badges:
        near = "" if badge.nearest is None else part_done(badge.nearest)
        counts = (f"{badge.holders:,}", f"{badge.gain:,}", f"{badge.xp:,}", near)
        table.add_row(literal(badge.title), *counts, literal(", ".join(badge.sample)))
    grants = counted(seen.grants, "badge")
    told = f"It would grant {grants} worth {seen.xp:,} XP to {seen.players:,} of {seen.known:,} players."
    parts: list[RenderableType] = [Text(f"If this file went live on {seen.day}", style="bold"), table, Text(told)]
    if seen.over:
        parts.append(note("A night holds that back until you say --accept, unless it is the app's first."))
    for name, holders in seen.dropped.items():
        parts.append(Text(f"{name} is no longer in the file; {counted(holders, 'holder')} keep it."))
    return Group(*parts)
