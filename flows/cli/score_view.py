"""How a score reads: of what it is, within what time, and how likely."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from configs.nouns import counted
from flows.cli.drawing import literal
from flows.cli.terms import ASKED, TASK, called


def days_counted(since: dt.date) -> str:
    """From which day reasons count back, where that is not the day that the night serves."""
    return f"Days are counted back from {since}: nothing was known of it and of what came after."


def score_cells(row: Mapping[str, Any], names: Mapping[str, str]) -> tuple[RenderableType, str, str]:
    """What a score is of, within what time, and how likely it is; `names` as in `Terms`."""
    chance = f"{row['probability']:.0%}"
    if row["task"] == "anomaly":  # of what is over, not of what is to come
        from models.tasks.anomaly import times_another

        what = f"an unusual week, {times_another(row['probability'])} as much like another player's"
        return literal(what), f"the last {counted(row['horizon_days'], 'day')}", ""
    if row["task"] == "churn":  # that a player has left shows in days without play
        return literal("has left"), f"known after {counted(row['horizon_days'], 'day')}", chance
    task = names.get(f"{TASK} {row['task']}", ASKED.get(row["task"], row["task"].replace("_", " ")))
    target = row["target"] and called(row["target"], names)
    what = f"{target} goes well" if row["task"] == "content_types" else task if target is None else f"{task}: {target}"
    return literal(what), counted(row["horizon_days"], "day"), chance
