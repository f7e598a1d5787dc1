"""Why a player reads what they read: brief, prompt, raw answer and scores behind each text of the newest night."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.warehouse import Warehouse
from models.language.ledger import CallRecord, Ledger


@dataclass(frozen=True)
class Why:
    """Where a text comes from.

    Attributes:
        metadata: How it came about, as the published row has it.
        brief: The brief's keys; empty for a text of the offline writer.
        template: The text with its slots.
        judged: Scores and reasons, where a judge picked.
        call: How it was asked: system, user, raw, provider, model, mode, tokens, cost_usd, sent_at; None offline.
    """

    content_id: str
    content_type: str
    title: str
    text: str
    ai_provider: str
    variant: str
    propensity: float
    metadata: dict[str, Any]
    brief: dict[str, Any]
    template: str
    judged: dict[str, Any]
    call: dict[str, Any] | None


def explain_player(warehouse: Warehouse, ledger: Ledger | None, user_id: str, content_ids: Sequence[str]) -> list[Why]:
    """Explain one player's texts, in the order of challenges, messages, achievements.

    Args:
        warehouse: May be open for reading only.
        ledger: Where the calls are; None leaves them out.
        user_id: As the app's data has it.
        content_ids: Of the texts, see `pipelines.publish.show.shown_ids`.
    """
    with warehouse.lend(shown=pl.DataFrame({"content_id": content_ids}, schema={"content_id": pl.String})):
        rows = warehouse.frame(warehouse.fixed("publish/why"), {"user": user_id}).to_dicts()
    return [_why(row, ledger) for row in rows]


def _why(row: dict[str, Any], ledger: Ledger | None) -> Why:
    told = json.loads(row["told"] or "{}")
    record = ledger.why(row["call_key"]) if ledger and row["call_key"] else None
    keys = ("persona", "metric", "difficulty", "language", "occasion", "writer", "profile", "made_on")
    return Why(
        content_id=row["content_id"],
        content_type=row["content_type"],
        title=row["title"],
        text=row["text"],
        ai_provider=row["ai_provider"],
        variant=row["variant"],
        propensity=row["propensity"],
        metadata=json.loads(row["metadata"] or "{}"),
        brief={"brief_id": row["brief_id"]} | {key: row[key] for key in keys if row[key]},
        template=row["template"] or "",
        judged=told.get("judged", {}),
        call=_told(record) if record else None,
    )


def _told(record: CallRecord) -> dict[str, Any]:
    request, reply = record.request, record.reply
    return {
        "provider": request.provider,
        "model": request.model,
        "mode": record.mode,
        "sent_at": record.sent_at,
        "attempts": record.attempts,
        "prompt_version": request.prompt_version,
        "system": request.system,
        "user": request.user,
        "raw": record.raw,
        "tokens": vars(reply.usage) if reply else {},
        "cost_usd": reply.cost_usd if reply else 0.0,
    }
