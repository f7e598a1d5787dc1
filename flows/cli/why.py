"""What `nightquest show --why` gathers and draws."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.errors import NightquestError
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.drawing import literal
from flows.cli.score_view import days_counted, score_cells
from flows.clock import clock
from models.language.ledger import LEDGER_FILE, open_ledger
from pipelines.publish.published import read_night
from pipelines.publish.show import shown_ids
from pipelines.publish.why import Why, explain_player


def explain(settings: Settings, app: str, user_id: str, as_of: dt.date | None = None) -> list[Why]:
    """Where each text of a player's night comes from; of the newest by default.

    Raises:
        NightquestError: The night has nothing for this player.
    """
    night = read_night(settings.home, app, as_of)
    ids = shown_ids(night, user_id)
    with open_warehouse(settings.home, app, read_only=True) as warehouse:
        if (settings.home / LEDGER_FILE).exists():
            with open_ledger(settings.home, clock) as ledger:
                found = explain_player(warehouse, ledger, user_id, ids)
        else:
            found = explain_player(warehouse, None, user_id, ids)
    if not found:
        raise NightquestError(
            f"The night of {night.manifest.as_of} of '{app}' has no text for a player {user_id!r}.",
            "Write the id as the app's data has it, and run a night first.",
        )
    return found


def why_view(
    reasons: Sequence[Why],
    scores: Sequence[Mapping[str, Any]] = (),
    names: Mapping[str, str] | None = None,
    counted_from: dt.date | None = None,
) -> RenderableType:
    """Each text in a frame, with what is behind it; before them the scores of which reasons are told.

    `counted_from` is the day from which these count back, where that is not the night's.
    """
    shown: set[str] = set()
    told: list[RenderableType] = []
    if any(row["reasons"] for row in scores):
        told = [_expected(scores, names or {}), *([Text(days_counted(counted_from))] if counted_from else [])]
    return Group(*told, *(_one(reason, shown) for reason in reasons))


def scores_of(
    settings: Settings, app: str, user_id: str, as_of: dt.date | None = None
) -> tuple[list[dict[str, Any]], dt.date | None]:
    """What a night's models expect of a player, with their reasons; none of a night before these were told.

    With them the day from which reasons count back, where the night's input was stale: None where it is its own.
    """
    night = read_night(settings.home, app, as_of)
    told = night.manifest
    rows = night.rows_of("scores", user_id).to_dicts() if "scores" in told.tables else []
    return rows, None if told.base_day == told.as_of else told.base_day


def _expected(scores: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> RenderableType:
    """What models expect of the player, and the facts that moved each answer most, one a line."""
    table = Table("what", "within", "probability", "because", title="Likely next", title_justify="left", box=None)
    for row in scores:
        if row["reasons"]:
            table.add_row(
                *score_cells(row, names), Text("\n").join(literal(fact) for fact in row["reasons"].split("; "))
            )
    return table


def _one(why: Why, shown: set[str]) -> RenderableType:
    """A text with what is behind it; a system part that was shown before is not repeated."""
    head = f"{why.content_type} by {why.ai_provider}, variant {why.variant}, chosen with chance {why.propensity:.3f}"
    parts: list[RenderableType] = [literal(why.text), literal(head, "dim")]
    for name, value in (("how", why.metadata), ("brief", why.brief), ("scores", why.judged)):
        if value:
            parts.append(_block(name, json.dumps(value, ensure_ascii=False, default=str)))
    if why.template:
        parts.append(_block("text with slots", why.template))
    if why.call is None:
        parts.append(_block("prompt", "none: the offline writer's grammar"))
    else:
        told = {
            name: why.call[name] for name in ("provider", "model", "mode", "sent_at", "attempts", "tokens", "cost_usd")
        }
        parts.append(_block("call", json.dumps(told, default=str)))
        system = why.call["system"]
        parts.append(_block("system", "the same as above" if system in shown else system))
        parts += [_block("user", why.call["user"]), _block("raw", _without_echo(why.call["raw"]))]
        shown.add(system)
    return Panel(Group(*parts), title=literal(why.title, "bold"), title_align="left")


def _without_echo(raw: str) -> str:
    """The provider's answer without the prompt that it repeats; --json has it whole."""
    with suppress(ValueError):
        answer = json.loads(raw)
        if isinstance(answer, dict) and answer.get("instructions"):
            return json.dumps(answer | {"instructions": "…"}, ensure_ascii=False)
    return raw


def _block(name: str, text: str) -> RenderableType:
    lines = Text("\n").join(literal(line) for line in text.splitlines() or [""])
    return Group(Text(name, style="bold"), Padding(lines, (0, 0, 0, 2)))
