"""How the demo is told to a person."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from configs.commands import command
from configs.loader import load_app
from configs.nouns import counted
from flows.cli.drawing import Grid, literal, note, shorten
from flows.cli.player_view import player_view
from flows.cli.terms import Terms
from flows.demo import APP, Demo


def demo_view(demo: Demo) -> RenderableType:
    """What was simulated and learned, what the nights promised and kept, one player's night, and where to go on."""
    return Group(*_parts(demo))


def _parts(demo: Demo) -> Iterator[RenderableType]:
    plan = demo.plan
    yield Rule(
        f"{counted(plan.players, 'simulated player')} of a trading academy, {counted(plan.days, 'day')}", align="left"
    )
    yield f"{counted(demo.events, 'event')}, the last on {plan.last_night - dt.timedelta(days=1):%A, %d %B %Y}."
    yield _models(demo)
    yield Rule("What the nights promised, and what was kept", align="left")
    yield _nights(demo)
    yield Text("The first night also gives every badge that history had earned.", style="dim")
    yield _verdict(demo)
    yield Rule(f"One player's night, {demo.player.as_of}", align="left")
    yield player_view(replace(demo.player, scores=[], xp_lately=[]), Terms.of(load_app(demo.player.app).app))
    if demo.away is not None:
        yield Text("\nAnd to a player who stayed away:", style="dim")
        yield Panel(
            literal(demo.away["body"]), title=literal(demo.away["title"], "bold"), title_align="left", expand=False
        )
    yield Rule("Where to look next", align="left")
    yield _next_steps(demo)


def _models(demo: Demo) -> RenderableType:
    if demo.trained is None:
        return "The models of an earlier run serve.\n"
    lines = []
    for row in demo.trained.contests.filter("chosen").iter_rows(named=True):
        rivals = demo.trained.contests.filter(task=row["task"]).height
        lines.append(f"{row['task']}: {row['learner']} won against {counted(rivals - 1, 'rival')} on later days")
    notes = [note(told) for told in demo.trained.notes]
    return Group(*lines, *notes, "")


def _nights(demo: Demo) -> Table:
    table = Grid()
    table.add_column("night")
    for name in ("players", "challenges", "over by now", "promised", "kept", "badges", "XP paid"):
        table.add_column(name, justify="right")
    kept = {row["as_of"]: row for row in demo.kept.iter_rows(named=True)}
    for night in demo.nights:
        row, figures = kept.get(night.as_of, {}), night.figures
        table.add_row(
            f"{night.as_of:%a %d %b}",
            f"{figures['players_challenged']:,}",
            f"{figures['challenges']:,}",
            f"{row.get('settled', 0):,}",
            _share(row.get("promised")),
            _share(row.get("kept")),
            f"{figures['badges_awarded']:,}",
            f"{figures['xp_paid']:,}",
        )
    return table


def _verdict(demo: Demo) -> RenderableType:
    total = demo.kept.row(-1, named=True)
    if total["kept"] is None:
        return "Nothing is settled yet.\n"
    inside = total["low"] <= total["promised"] <= total["high"]
    return Text.assemble(
        f"Over {total['settled']:,} settled challenges the promise was ",
        (f"{total['promised']:.1%}", "bold"),
        " and ",
        (f"{total['kept']:.1%}", "bold"),
        f" were kept (95 % interval {total['low']:.1%} to {total['high']:.1%}).",
        "" if inside else " The promise lies outside it.",
        "\n",
    )


def _next_steps(demo: Demo) -> RenderableType:
    steps = {
        command("show", demo.player.user_id, app=APP): "this player again",
        command("status"): "what there is",
        command("serve"): "Prefect, MLflow and the schedules, in a browser",
        command("check", "my_app.yaml"): "an app of your own is one file",
        f"ls {shorten(demo.nights[-1].path)}": "the last night, as Parquet files",
    }
    # One step a line, however long, so that it can be copied.
    lines = (Text.assemble((step, "bold"), (f"   # {why}", "dim")) for step, why in steps.items())
    return Group(*(Text.assemble(line, no_wrap=True, overflow="ignore") for line in lines))


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
