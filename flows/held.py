"""`nightquest held`: the nominees that wait for a person, with what there is to judge them by."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from flows.console import literal, note
from flows.render import TIER_STYLES
from pipelines.publish.published import read_latest

TABLE = "badge_nominees"
MOST_SHOWN = 10


@dataclass(frozen=True)
class HeldNominee:
    """A nominee whom a person must decide on.

    Attributes:
        held_by: A provider, or 'nobody' when none could be asked.
        reasons: Why it was left to a person.
        evidence: id, kind, text and, of events, when.
        cited: Ids that the model found decisive.
        second_opinion: What the other provider said, if it was asked.
    """

    user_id: str
    badge_id: str
    title: str
    tier: str
    criteria: str
    held_on: str
    held_by: str
    reasons: str
    evidence: list[dict[str, str]]
    cited: list[str]
    second_opinion: dict[str, Any] | None


@dataclass(frozen=True)
class HeldReport:
    """Everybody held, as of the newest published night.

    Attributes:
        waiting: Nominated and not yet looked at.
        to_decide: Lines of a file that `nightquest ingest` takes, awarding the first nominee.
    """

    app: str
    as_of: str
    held: list[HeldNominee]
    waiting: int
    to_decide: list[str]


def gather_held(home: Path, app: App, badge: str | None = None, user: str | None = None) -> HeldReport:
    """Read who is held from the newest published night.

    Args:
        home: The folder that everything is written under.
        app: Its judged badges.
        badge: Only of this badge.
        user: Only this player.

    Raises:
        NightquestError: Nothing is published, the badge is not judged, or the night is of an older version.
    """
    judged = {name: one for name, one in app.badges.items() if one.judged}
    if badge is not None and badge not in judged:
        raise NightquestError(
            f"'{badge}' is not a judged badge of '{app.app}'.", f"Judged are: {', '.join(judged) or 'none'}."
        )
    night = read_latest(home, app.app)
    if TABLE not in night.manifest.tables:
        raise NightquestError(
            f"The night of {night.manifest.as_of} of '{app.app}' knows no nominees yet.",
            f"Run: {command('nightly', '--as-of', night.manifest.as_of, '--refresh', app=app.app)}",
        )
    cases = night.table(TABLE).filter(pl.col("badge_id").is_in([badge] if badge else list(judged)))
    if user is not None:
        cases = cases.filter(pl.col("user_id") == user)
    waiting = cases.filter(pl.col("state") == "waiting").height
    held = cases.filter(pl.col("state") == "held").sort("decided_on", "badge_id", "user_id")
    nominees = [_nominee(app, row) for row in held.iter_rows(named=True)]
    return HeldReport(app.app, str(night.manifest.as_of), nominees, waiting, _to_decide(nominees, night.manifest.cut))


def held_view(report: HeldReport) -> RenderableType:
    """For people: a panel for each nominee, then how to decide."""
    counts = f"{len(report.held)} held for a person, {report.waiting} waiting to be looked at"
    head = Text(f"{report.app}, the night of {report.as_of}: {counts}", style="bold")
    if not report.held:
        return Group(head, "Nobody needs a decision.")
    parts: list[RenderableType] = [head, *(_panel(nominee) for nominee in report.held[:MOST_SHOWN])]
    if (more := len(report.held) - MOST_SHOWN) > 0:
        parts.append(Text(f"And {more} more: look with --badge or --user, or see all with --json.", style="dim"))
    if any(nominee.held_by == "nobody" for nominee in report.held):
        parts.append(Text("Nights with a key ask a model about those whom none could be asked about.", style="dim"))
    return Group(*parts, _how(report))


def _nominee(app: App, row: dict[str, Any]) -> HeldNominee:
    badge = app.badges[row["badge_id"]]
    return HeldNominee(
        user_id=row["user_id"],
        badge_id=row["badge_id"],
        title=badge.title,
        tier=badge.tier,
        criteria=badge.judged.criteria.strip() if badge.judged else "",
        held_on=str(row["decided_on"]),
        held_by=row["decided_by"],
        reasons=row["reasons"],
        evidence=json.loads(row["evidence"]),
        cited=json.loads(row["evidence_ids"]),
        second_opinion=json.loads(row["second_opinion"]) if row["second_opinion"] else None,
    )


def _panel(nominee: HeldNominee) -> Panel:
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(justify="right", style="dim", no_wrap=True)
    lines.add_column()
    lines.add_column(style="dim", no_wrap=True)
    for item in nominee.evidence:
        style = "bold" if item["id"] in nominee.cited else ""
        lines.add_row(literal(item["id"]), literal(item["text"], style), literal(item.get("when", "")))
    parts: list[RenderableType] = [
        Text.assemble(("for ", "dim"), literal(nominee.criteria)),
        Text.assemble((f"held on {nominee.held_on} by {nominee.held_by}: ", "dim"), literal(nominee.reasons)),
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
        Text("with nightquest.awarded or nightquest.refused, the badge_id, and a time before the next night. Then run"),
        note(command("ingest", "decisions.csv", app=report.app), ""),
        Text("The next night gives the badge or notes the refusal.", style="dim"),
    ]
    return Group("", *told)


def _to_decide(nominees: list[HeldNominee], cut: object) -> list[str]:
    if not nominees:
        return []
    first = nominees[0]
    user = first.user_id.replace('"', '""')
    properties = json.dumps({"badge_id": first.badge_id}).replace('"', '""')
    moment = f"{cut:%Y-%m-%dT%H:%M:%SZ}"
    return ["user_id,event,occurred_at,properties", f'"{user}",nightquest.awarded,{moment},"{properties}"']
