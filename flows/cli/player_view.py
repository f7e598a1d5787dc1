"""What `nightquest show` draws: one player's night.

Texts and ids come from outside: they are shown as they are, never read as markup, and control characters are replaced.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.nouns import counted
from configs.personas import NOBODY
from flows.cli.asked_view import achievements_table, challenges_table, settlements_table, titled_row
from flows.cli.drawing import TIER_STYLES, bar, literal, titled
from flows.cli.score_view import score_cells
from flows.cli.terms import UNKNOWN, Terms
from pipelines.challenges.not_asked import NOT_ASKED
from pipelines.publish.show import PlayerView

EVERYDAY = ("motivational_message", "come_back_message")
NEAREST_BADGES = 5
LIKELIEST = 8
RHYTHMS = {"regular": "regularly", "mixed": None, "bursty": "in bursts"}


def player_view(view: PlayerView, terms: Terms = UNKNOWN) -> RenderableType:
    """One player's published night: who they are, what they are asked, what they hold and what is next.

    Args:
        view: From `gather_player`.
        terms: The app's; the rows hold only ids and numbers.
    """
    return Group(_head(view, terms), *_sections(view, terms))


def _head(view: PlayerView, terms: Terms) -> Panel:
    profile = view.profile or {}
    facts = [
        ("left alone", view.left_alone),
        ("persona", _counts_as(profile, "persona", terms)),
        ("style", _counts_as(profile, "style", terms)),
        ("activity", _activity(profile) if profile else "none of late"),
        ("skill", f"{profile['skill_level']} of 10, {profile['skill_word']}" if profile.get("skill_word") else None),
        (f"{terms.play}s", _habits(profile) or None),
        *((terms.called(name), _streak(run)) for name, run in json.loads(profile.get("streaks") or "{}").items()),
        ("strength", ", ".join(_strength(row, terms) for row in view.segments) or None),
        ("XP", f"{view.xp:,}"),
        *((terms.called(row["item"]), f"{row['amount']:,}") for row in view.wallet if row["kind"] == "points"),
    ]
    lines = Text("   ").join(
        Text.assemble((f"{name} ", "dim"), literal(value)) for name, value in facts if value is not None
    )
    return Panel(
        lines, title=literal(f"{view.user_id} in {view.app}, {view.as_of}", "bold"), title_align="left", expand=False
    )


def _counts_as(profile: Mapping[str, Any], kind: str, terms: Terms) -> str | None:
    """The persona or style, with its share where the night tells several; None for nobody in particular."""
    name = profile.get(kind)
    if name == NOBODY:
        return None
    shares = json.loads(profile.get(f"{kind}s") or "{}")
    title = name and (terms.names.get(name) or name)
    return f"{title} {shares[name]:.0%}" if name and len(shares) > 1 else title


def _activity(profile: Mapping[str, Any]) -> str:
    """The level, which is by how much was done beside others and not by how many days that took."""
    idle = json.loads(profile.get("engagement") or "{}").get("active_days_7") == 0
    return str(profile["activity"]) if idle else f"{profile['activity']} beside others"


def _habits(profile: Mapping[str, Any]) -> str:
    """How often, when and how long, as far as it is known."""
    known = json.loads(profile.get("habits") or "{}")
    part, minutes, rhythm = known.get("part_of_day"), known.get("minutes_a_session"), known.get("rhythm")
    days = known.get("days_a_week")
    often = f"{days:g} {'day' if days == 1 else 'days'} a week" if days else None
    long = f"{minutes:.0f} min a session" if minutes else None
    when = {"any": "at any hour", "night": "at night", None: None}.get(part, f"in the {part}")
    return ", ".join(told for told in (often, when, long, RHYTHMS.get(rhythm, rhythm)) if told)


def _sections(view: PlayerView, terms: Terms) -> Iterator[RenderableType]:
    if view.challenges:
        yield challenges_table(view.challenges, terms)
    if reason := (view.profile or {}).get("not_asked"):
        yield Text(f"No new daily challenge: {NOT_ASKED.get(reason, reason)}.", style="dim")
    for message in view.messages:
        yield _message(message)
    if view.achievements:
        yield achievements_table(view.achievements)
    if view.badges_held:
        yield _held(view, terms)
    if coming := [row for row in view.badge_progress if row["progress"] > 0][:NEAREST_BADGES]:
        yield _coming(coming, terms)
    if following := [row for row in view.targets if row["is_next"]]:
        yield _targets(following, terms)
    if view.rankings:
        yield _rankings(view.rankings, terms)
    if view.recommendations:
        yield _suits(view.recommendations, terms)
    if view.settlements:
        yield settlements_table(view.settlements, terms)
    suited = {row["item"] for row in view.recommendations}  # how likely these are stands there
    if likely := [row for row in view.scores if row["target"] not in suited]:
        yield _scores(likely, terms)
    ledgers = ((_grants, view.xp_lately), (_wallet, view.wallet), (_taken_back, view.revocations))
    yield from (table(rows) for table, rows in ledgers if rows)


def _message(row: Mapping[str, Any]) -> Panel:
    """A message, marked with its kind where that is not the everyday one."""
    kind = None if row["content_type"] in EVERYDAY else literal(row["content_type"].replace("_", " "), "dim")
    return Panel(
        literal(row["body"]),
        title=titled_row(row),
        title_align="left",
        subtitle=kind,
        subtitle_align="left",
        expand=False,
    )


def _held(view: PlayerView, terms: Terms) -> Table:
    """The most prestigious first, then the newest; of a badge earned again the newest award and how many there are."""
    times = Counter(row["badge_id"] for row in view.badges_held)
    newest = {row["badge_id"]: row for row in reversed(view.badges_held)}
    ranked = sorted(newest.values(), key=lambda row: row["granted_at"], reverse=True)
    ranked.sort(key=lambda row: -terms.prestige.get(row["badge_id"], 0))
    worth = sum(terms.prestige.get(row["badge_id"], 0) for row in ranked)
    title = f"Badges held, of prestige {worth}" if worth else "Badges held"
    table = titled(title, ("badge", "left"), ("rarity", "left"), ("since", "left"), ("for", "left"))
    new = {row["award_id"] for row in view.badges}
    for row in ranked:
        again = f" ({times[row['badge_id']]} times)" if times[row["badge_id"]] > 1 else ""
        name = literal(f"{row['title']}{again}", TIER_STYLES.get(row["tier"] or "", ""))
        since = f"{row['granted_at']:%Y-%m-%d}" + (" (new)" if row["award_id"] in new else "")
        table.add_row(name, row["rarity"], since, literal(f"{row['citation']}{_kept(row['evidence'])}"))
    return table


def _kept(evidence: str) -> str:
    """Since when a badge is kept that is earned no longer, which its citation does not say."""
    kept = json.loads(evidence).get("kept")
    return f" [kept since {kept['as_of']}: {counted(kept['taken_back'], 'event')} taken back]" if kept else ""


def _coming(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = titled("Nearest badges", ("badge", "left"), ("progress", "left"), ("missing", "left"), ("days", "right"))
    for row in rows:
        days = "" if row["eta_days"] is None else str(row["eta_days"])
        table.add_row(literal(terms.called(row["badge_id"])), bar(row["progress"]), literal(row["remaining"]), days)
    return table


def _targets(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = titled("Next target", ("metric", "left"), ("value", "right"), ("level with or ahead of", "left"))
    for row in rows:
        table.add_row(
            literal(terms.called(row["metric"])),
            literal(terms.goal(row["metric"], row["value"])),
            literal(f"{row['percentile']} % of comparable {_whom(_among(row), terms)}"),
        )
    return table


def _rankings(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = titled("Rankings", ("ranking", "left"), ("place", "right"), ("with", "left"), ("next ahead", "left"))

    def came_to(row: Mapping[str, Any], value: float) -> str:
        return f"{value:,.2f} a member" if row.get("team") else terms.goal(row["metric"], value)

    for row in rows:
        ahead = "" if row["next_value"] is None else came_to(row, row["next_value"])
        among = f" of {row['cohort']}" if row["cohort"] else f", {row['team']}" if row.get("team") else ""
        table.add_row(
            literal(f"{row['ranking'].replace('_', ' ')}{among}"),
            f"{row['place']:,} of {row['players']:,}",
            literal(f"{came_to(row, row['value'])} in {counted(row['days'], 'day')}"),
            literal(ahead),
        )
    return table


def _suits(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = titled("Suits next", ("what", "left"), ("", "left"), ("likely anyway", "right"))
    for row in rows:
        table.add_row(literal(terms.called(row["item"])), literal(row["kind"].replace("_", " ")), f"{row['score']:.0%}")
    return table


def _streak(run: Mapping[str, Any]) -> str | None:
    """How long a run of days is, and until when it can be kept going."""
    until = f", kept by play until {run['play_by']}" if run["play_by"] else ""
    return f"{run['days']} (best {run['best']}{until})" if run["best"] else None


def _strength(row: Mapping[str, Any], terms: Terms) -> str:
    """The level, and among whom; of a kind of play with few players also which it is, since all are told from."""
    if row["cohort"] == _among(row):
        return f"{row['segment']} among all {_whom(row['cohort'], terms)}"
    return f"{row['segment']} among all {terms.players} (few {terms.play} {row['cohort']})"


def _among(row: Mapping[str, Any]) -> str:
    """The cohort that a row compares with; a night older than the column says the player's own."""
    return str(row.get("judged_as", row["cohort"]))


def _whom(cohort: str, terms: Terms) -> str:
    """The players of a cohort; `all` is everyone."""
    return terms.players if cohort == "all" else f"{terms.players} of {cohort}"


def _scores(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = titled("Likely next", ("what", "left"), ("within", "left"), ("probability", "right"))
    for row in sorted(rows, key=lambda row: -row["probability"])[:LIKELIEST]:
        table.add_row(*score_cells(row, terms.names))
    return table


def _grants(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = titled("XP lately", ("when (UTC)", "left"), ("XP", "right"), ("why", "left"))
    for row in rows:
        table.add_row(f"{row['occurred_at']:%Y-%m-%d %H:%M}", f"{row['xp']:+,}", literal(row["reason"]))
    return table


def _wallet(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = titled("Rewards held", ("what", "left"), ("since", "left"))
    for row in rows:
        table.add_row(literal(row["words"]), f"{row['since']:%Y-%m-%d}")
    return table


def _taken_back(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = titled("Taken back", ("night", "left"), ("what", "left"), ("XP", "right"), ("why", "left"))
    for row in rows:
        xp = f"-{row['xp']:,}" if row["xp"] else ""
        table.add_row(f"{row['revoked_on']}", literal(row["title"]), xp, literal(row["reason"]))
    return table
