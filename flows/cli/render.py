"""What a person sees on the terminal: one player's night, and a night as a whole.

Texts and ids come from outside: they are shown as they are, never read as markup, and control characters are replaced.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.nouns import counted
from configs.profiled import NOBODY
from flows.cli.console import Grid, literal, part_done
from flows.cli.terms import TASK, UNKNOWN, Terms, called
from pipelines.challenges.not_asked import NOT_ASKED
from pipelines.publish.published import Published
from pipelines.publish.show import PlayerView

if TYPE_CHECKING:
    from pipelines.publish.audit import AuditReport

TIER_STYLES = {"bronze": "orange3", "silver": "grey70", "gold": "gold1", "platinum": "bright_cyan"}
EVERYDAY = ("motivational_message", "come_back_message")
STATE_STYLES = {"completed": "green", "expired": "dim"}
NEAREST_BADGES = 5
LIKELIEST = 8
BAR_CELLS = 10
RHYTHMS = {"regular": "regularly", "mixed": None, "bursty": "in bursts"}


def render_player(view: PlayerView, terms: Terms = UNKNOWN) -> RenderableType:
    """One player's published night: who they are, what they are asked, what they hold and what is next.

    Args:
        view: From `gather_player`.
        terms: The app's; the rows hold only ids and numbers.
    """
    return Group(_head(view, terms), *_sections(view, terms))


def render_night(night: Published, report: "AuditReport | None" = None, *, changed: bool = True) -> RenderableType:
    """A night as a whole: rows a table, the audit's findings, and where it lies."""
    manifest = night.manifest
    state = "published" if changed else "unchanged"
    title = f"{manifest.app}: the night of {manifest.as_of}, revision {manifest.revision}, {state}"
    rows = _table("Tables", ("table", "left"), ("rows", "right"), ("size", "right"))
    for name, file in manifest.tables.items():
        if file.rows:
            rows.add_row(name, f"{file.rows:,}", f"{file.bytes / 1024:,.0f} kB")
    parts: list[RenderableType] = [Text(title, style="bold"), rows]
    if report is not None:
        parts.append(render_audit(report))
    return Group(*parts, Text(f"In {night.folder}", style="dim"))


def render_audit(report: "AuditReport") -> RenderableType:
    """The audit's findings, failed ones in red."""
    checks = _table("Audit", ("", "left"), ("check", "left"), ("finding", "left"))
    for check in report.checks:
        mark = Text("ok", style="green") if check.passed else Text("failed", style="bold red")
        checks.add_row(mark, check.name, literal(check.detail))
    return checks


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
    """What the player counts as, with the share; of an older night without it. Who is nobody in particular: nothing."""
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
        yield _challenges(view.challenges, terms)
    if reason := (view.profile or {}).get("not_asked"):
        yield Text(f"No new daily challenge: {NOT_ASKED.get(reason, reason)}.", style="dim")
    for message in view.messages:
        yield _message(message)
    if view.achievements:
        yield _achievements(view.achievements)
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
        yield _settlements(view.settlements, terms)
    suited = {row["item"] for row in view.recommendations}  # how likely these are stands there
    if likely := [row for row in view.scores if row["target"] not in suited]:
        yield _scores(likely, terms)
    ledgers = ((_grants, view.xp_lately), (_wallet, view.wallet), (_taken_back, view.revocations))
    yield from (table(rows) for table, rows in ledgers if rows)


def _challenges(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = _table("Challenges")
    table.add_column("challenge", min_width=28)
    for name in ("chance", f"if you\n{terms.play}", "level", "XP", "minutes"):
        table.add_column(name, justify="right")
    table.add_column("days", no_wrap=True)
    for row in rows:
        table.add_row(
            Text("\n").join((_titled(row), literal(row["description"]), *_extra(row), *_so_far(row, terms))),
            f"{row['completion_probability']:.0%}",
            f"{row['probability_if_active']:.0%}",
            str(row["difficulty_level"]),
            str(row["rewards"]["xp"]),
            "" if row["estimated_minutes"] is None else str(row["estimated_minutes"]),
            _days(row),
        )
    return table


def _extra(row: Mapping[str, Any]) -> Iterator[Text]:
    """All that it pays, where that is more than XP."""
    if row.get("extra_rewards"):
        yield literal(f"Pays {row['reward_words']}", "green")


def _so_far(row: Mapping[str, Any], terms: Terms) -> Iterator[Text]:
    """What each thing that it asks for came to, once anything is done; not of a night that is older than the column."""
    if row["progress"] and row.get("so_far"):
        yield literal(f"So far {_came_to(row, terms)}", "green")


def _came_to(row: Mapping[str, Any], terms: Terms) -> str:
    """What each thing that it asks for came to, of how much."""
    asked = zip(row["requirements"], row["so_far"], strict=True)
    return ", ".join(_reached(part, came["value"], terms) for part, came in asked)


def _reached(part: Mapping[str, Any], value: float | None, terms: Terms) -> str:
    """The metric, its value and the target: `lessons completed: 3 of 4 lessons`, `lap time: 62 (at most 60 s)`.

    What is there already is no part of it: `lessons completed: 4 (at least 2 lessons)`.
    """
    metric, goal = part["metric"], terms.goal(part["metric"], part["target"])
    came_to = "none" if value is None else terms.came_to(metric, value)
    beyond = value is not None and value > part["target"]
    of = f"(at most {goal})" if part["op"] == "<=" else f"(at least {goal})" if beyond else f"of {goal}"
    return f"{terms.called(metric)}: {came_to} {of}"


def _titled(row: Mapping[str, Any]) -> Text:
    """The title, marked when this night issued it, and when the player has dismissed it."""
    new = (" (new)", "green") if row.get("is_new", True) else ""
    return Text.assemble(literal(row["title"], "bold"), new, (" (dismissed)", "dim") if row.get("dismissed") else "")


def _days(row: Mapping[str, Any]) -> Text:
    """The first and last day that count, and how far the player has come since they began."""
    days = Text("\n".join(dict.fromkeys((str(row["valid_from"]), str(row["valid_until"])))))
    done = row.get("progress")
    return Text("\n").join((days, Text(f"{part_done(done)} done", style="green"))) if done else days


def _message(row: Mapping[str, Any]) -> Panel:
    """A message, marked with its kind where that is not the everyday one."""
    kind = None if row["content_type"] in EVERYDAY else literal(row["content_type"].replace("_", " "), "dim")
    return Panel(
        literal(row["body"]), title=_titled(row), title_align="left", subtitle=kind, subtitle_align="left", expand=False
    )


def _achievements(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Achievements", ("achievement", "left"), ("tier", "left"), ("progress", "left"), ("days", "right"))
    table.add_column("XP", justify="right")
    for row in rows:
        done = f"reached on {row['reached_on']}" if row["state"] == "reached" else None
        table.add_row(
            Text("\n").join((_titled(row), literal(row["description"]), *_extra(row))),
            literal(row["tier"], TIER_STYLES.get(row["tier"], "")),
            literal(done, STATE_STYLES["completed"]) if done else _bar(row["progress"]),
            "" if row["eta_days"] is None else str(row["eta_days"]),
            str(row["rewards"]["xp"]),
        )
    return table


def _held(view: PlayerView, terms: Terms) -> Table:
    """The most prestigious first, then the newest; of a badge earned again the newest award and how many there are."""
    times = Counter(row["badge_id"] for row in view.badges_held)
    newest = {row["badge_id"]: row for row in reversed(view.badges_held)}
    ranked = sorted(newest.values(), key=lambda row: row["granted_at"], reverse=True)
    ranked.sort(key=lambda row: -terms.prestige.get(row["badge_id"], 0))
    worth = sum(terms.prestige.get(row["badge_id"], 0) for row in ranked)
    title = f"Badges held, of prestige {worth}" if worth else "Badges held"
    table = _table(title, ("badge", "left"), ("rarity", "left"), ("since", "left"), ("for", "left"))
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
    table = _table("Nearest badges", ("badge", "left"), ("progress", "left"), ("missing", "left"), ("days", "right"))
    for row in rows:
        days = "" if row["eta_days"] is None else str(row["eta_days"])
        table.add_row(literal(terms.called(row["badge_id"])), _bar(row["progress"]), literal(row["remaining"]), days)
    return table


def _targets(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = _table("Next target", ("metric", "left"), ("value", "right"), ("level with or ahead of", "left"))
    for row in rows:
        table.add_row(
            literal(terms.called(row["metric"])),
            literal(terms.goal(row["metric"], row["value"])),
            literal(f"{row['percentile']} % of comparable {_whom(_among(row), terms)}"),
        )
    return table


def _rankings(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = _table("Rankings", ("ranking", "left"), ("place", "right"), ("with", "left"), ("next ahead", "left"))

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
    table = _table("Suits next", ("what", "left"), ("", "left"), ("likely anyway", "right"))
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


def _settlements(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    """What became of earlier challenges; of what was not kept, how far each thing that it asked for came."""
    columns = (("challenge", "left"), ("state", "left"), ("progress", "left"), ("XP", "right"), ("why", "left"))
    table = _table("Earlier challenges", *columns)
    for row in rows:
        state = literal(row["state"], STATE_STYLES.get(row["state"], ""))
        short = row["state"] != "completed" and row["progress"] and row.get("so_far")
        title = Text("\n").join((literal(row["title"]), *([literal(_came_to(row, terms), "dim")] if short else [])))
        table.add_row(title, state, _bar(row["progress"]), str(row["xp"]), literal(row["reason"]))
    return table


def _scores(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    table = _table("Likely next", ("what", "left"), ("within", "left"), ("probability", "right"))
    for row in sorted(rows, key=lambda row: -row["probability"])[:LIKELIEST]:
        table.add_row(*score_cells(row, terms.names))
    return table


def days_counted(since: dt.date) -> str:
    """From which day reasons count back, where that is not the day that the night serves."""
    return f"Days are counted back from {since}: nothing was known of it and of what came after."


def score_cells(row: Mapping[str, Any], names: Mapping[str, str]) -> tuple[RenderableType, str, str]:
    """What a score is of, within what time, and how likely it is; `names` as in `Terms`."""
    chance = f"{row['probability']:.0%}"
    if row["task"] == "anomaly":  # of what is over, not of what is to come
        return literal("an unusual week"), f"the last {counted(row['horizon_days'], 'day')}", chance
    task = names.get(f"{TASK} {row['task']}", row["task"].replace("_", " "))
    target = row["target"] and called(row["target"], names)
    what = f"{target} goes well" if row["task"] == "content_types" else task if target is None else f"{task}: {target}"
    return literal(what), counted(row["horizon_days"], "day"), chance


def _grants(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("XP lately", ("when (UTC)", "left"), ("XP", "right"), ("why", "left"))
    for row in rows:
        table.add_row(f"{row['occurred_at']:%Y-%m-%d %H:%M}", f"{row['xp']:+,}", literal(row["reason"]))
    return table


def _wallet(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Rewards held", ("what", "left"), ("since", "left"))
    for row in rows:
        table.add_row(literal(row["words"]), f"{row['since']:%Y-%m-%d}")
    return table


def _taken_back(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Taken back", ("night", "left"), ("what", "left"), ("XP", "right"), ("why", "left"))
    for row in rows:
        xp = f"-{row['xp']:,}" if row["xp"] else ""
        table.add_row(f"{row['revoked_on']}", literal(row["title"]), xp, literal(row["reason"]))
    return table


def _bar(share: float) -> Text:
    """How far it is; what is not done is never 100 %."""
    filled = int(share * BAR_CELLS)
    return Text.assemble(("━" * filled, "green"), ("─" * (BAR_CELLS - filled), "grey37"), f" {part_done(share)}")


def _table(title: str, *columns: tuple[str, Any]) -> Table:
    table = Grid(title=title, title_justify="left", title_style="bold")
    for name, side in columns:
        table.add_column(name, justify=side)
    return table
