"""What a player is asked for, as `nightquest show` draws it: challenges, achievements, and earlier ones' outcomes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flows.cli.drawing import TIER_STYLES, bar, literal, part_done, titled
from flows.cli.terms import Terms

STATE_STYLES = {"completed": "green", "expired": "dim"}


def challenges_table(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    """What is open for the player: with what chance, for how much XP, until when, and how far it is."""
    table = titled("Challenges")
    table.add_column("challenge", min_width=28)
    for name in ("chance", f"if you\n{terms.play}", "level", "XP", "minutes"):
        table.add_column(name, justify="right")
    table.add_column("days", no_wrap=True)
    for row in rows:
        table.add_row(
            Text("\n").join((titled_row(row), literal(row["description"]), *_extra(row), *_so_far(row, terms))),
            f"{row['completion_probability']:.0%}",
            f"{row['probability_if_active']:.0%}",
            str(row["difficulty_level"]),
            str(row["rewards"]["xp"]),
            "" if row["estimated_minutes"] is None else str(row["estimated_minutes"]),
            _days(row),
        )
    return table


def achievements_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The player's custom achievements, with how far each is or when it was reached."""
    table = titled("Achievements", ("achievement", "left"), ("tier", "left"), ("progress", "left"), ("days", "right"))
    table.add_column("XP", justify="right")
    for row in rows:
        done = f"reached on {row['reached_on']}" if row["state"] == "reached" else None
        table.add_row(
            Text("\n").join((titled_row(row), literal(row["description"]), *_extra(row))),
            literal(row["tier"], TIER_STYLES.get(row["tier"], "")),
            literal(done, STATE_STYLES["completed"]) if done else bar(row["progress"]),
            "" if row["eta_days"] is None else str(row["eta_days"]),
            str(row["rewards"]["xp"]),
        )
    return table


def settlements_table(rows: Sequence[Mapping[str, Any]], terms: Terms) -> Table:
    """What became of earlier challenges; of what was not kept, how far each thing that it asked for came."""
    columns = (("challenge", "left"), ("state", "left"), ("progress", "left"), ("XP", "right"), ("why", "left"))
    table = titled("Earlier challenges", *columns)
    for row in rows:
        state = literal(row["state"], STATE_STYLES.get(row["state"], ""))
        short = row["state"] != "completed" and row["progress"] and row.get("so_far")
        title = Text("\n").join((literal(row["title"]), *([literal(_came_to(row, terms), "dim")] if short else [])))
        table.add_row(title, state, bar(row["progress"]), str(row["xp"]), literal(row["reason"]))
    return table


def titled_row(row: Mapping[str, Any]) -> Text:
    """The title, marked when this night issued it, and when the player has dismissed it."""
    new = (" (new)", "green") if row.get("is_new", True) else ""
    return Text.assemble(literal(row["title"], "bold"), new, (" (dismissed)", "dim") if row.get("dismissed") else "")


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


def _days(row: Mapping[str, Any]) -> Text:
    """The first and last day that count, and how far the player has come since they began."""
    days = Text("\n".join(dict.fromkeys((str(row["valid_from"]), str(row["valid_until"])))))
    done = row.get("progress")
    return Text("\n").join((days, Text(f"{part_done(done)} done", style="green"))) if done else days
