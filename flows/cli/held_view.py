"""How `nightquest held` tells people whom to decide on, and what became of a file of decisions."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.commands import command
from flows.cli.drawing import TIER_STYLES, Grid, literal, note
from flows.cli.held import HeldNominee, HeldReport
from pipelines.badges.judged.decide import Decisions

MOST_TOLD = 20


def held_view(report: HeldReport) -> RenderableType:
    """For people: counts by badge, a panel for each nominee of the page, then how to decide."""
    waiting = sum(count.waiting for count in report.badges)
    counts = f"{report.n_held:,} held for a person, {waiting:,} waiting to be looked at"
    head = Text(f"{report.app}, the night of {report.as_of}: {counts}", style="bold")
    parts: list[RenderableType] = [head, *([_counts(report)] if report.badges else [])]
    if any(count.lapsed for count in report.badges):
        parts.append(Text("Lapsed: nobody decided within the badge's lapse_after_days.", style="dim"))
    if not report.held:
        return Group(*parts, "Nobody needs a decision.")
    parts += [_panel(nominee) for nominee in report.held]
    if report.pages > 1:
        told = f"Page {report.page} of {report.pages}: choose with --page, --limit, --badge or --user; --json has all."
        parts.append(Text(told, style="dim"))
    if any(nominee.held_by == "nobody" for nominee in report.held):
        parts.append(Text("Nights with a key ask a model about those whom none could be asked about.", style="dim"))
    return Group(*parts, _how(report))


def decisions_view(decisions: Decisions) -> RenderableType:
    """For people: how many rows were taken, and each wrong one with its line and reason."""
    counts = f"{decisions.taken:,} taken, {decisions.known:,} known already, {len(decisions.wrong):,} wrong"
    parts: list[RenderableType] = [Text(f"Decisions for {decisions.app}: {counts}", style="bold")]
    parts += [literal(f"line {row.line}: {row.reason}") for row in decisions.wrong[:MOST_TOLD]]
    if (more := len(decisions.wrong) - MOST_TOLD) > 0:
        parts.append(Text(f"And {more} more: see all with --json.", style="dim"))
    if decisions.wrong:
        others = "; the others are taken and need not be" if decisions.taken + decisions.known else ""
        parts.append(literal(f"Mend these rows and give the file again{others}."))
    if decisions.taken:
        parts.append(Text("The next night gives the badges and notes the refusals.", style="dim"))
    return Group(*parts)


def _counts(report: HeldReport) -> Table:
    table = Grid()
    table.add_column("badge")
    for name in ("held", "since", "waiting", "lapsed", "tonight"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in report.badges:
        figures = (f"{n:,}" for n in (one.waiting, one.lapsed, one.lapsed_tonight))
        table.add_row(literal(f"{one.title} ({one.badge_id})"), f"{one.held:,}", one.since or "", *figures)
    return table


def _panel(nominee: HeldNominee) -> Panel:
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(justify="right", style="dim", no_wrap=True)
    lines.add_column()
    lines.add_column(style="dim", no_wrap=True)
    for item in nominee.evidence:
        style = "bold" if item["id"] in nominee.cited else ""
        lines.add_row(literal(item["id"]), literal(item["text"], style), literal(item.get("when", "")))
    parts: list[RenderableType] = [
        Text.assemble(("criteria: ", "dim"), literal(nominee.criteria)),
        Text.assemble((f"held since {nominee.held_since} by {nominee.held_by}: ", "dim"), literal(nominee.reasons)),
    ]
    if nominee.second_opinion:
        said = nominee.second_opinion
        told = f"{said.get('decision', 'no answer')}: {said.get('reasons', '')}"
        parts.append(Text.assemble((f"second opinion, {said['provider']} ", "dim"), literal(told)))
    title = Text.assemble(
        literal(nominee.title, TIER_STYLES.get(nominee.tier, "")), "  ", literal(nominee.user_id, "bold")
    )
    return Panel(Group(*parts, "", lines), title=title, title_align="left")


def _how(report: HeldReport) -> RenderableType:
    """What a person does next."""
    told = [
        Text("To decide, put a line for each into a file", style="bold"),
        *(literal(line) for line in report.to_decide),
        Text("with award or refuse, and a reason or a citation if you like. Then run"),
        note(command("held", "--decide", "decisions.csv", app=report.app), ""),
        Text("The next night gives the badge or notes the refusal.", style="dim"),
    ]
    return Group("", *told)
