"""What a night's writing leaves for people to look at: what it cost, texts to read, and how some briefs were asked."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from data.warehouse import Warehouse
from models.language.calls import Failed, Usage
from models.language.spending import CallRecord, SpendReport
from models.writing_record import (
    BRIEF_FACTS,
    MOST_SAMPLES,
    MOST_TRACES,
    BriefTrace,
    CallSpan,
    SampleText,
    WritingReport,
)
from pipelines.content.authors import Tally
from pipelines.night import Night

Why = Callable[[str], CallRecord | None]


def report_writing(
    warehouse: Warehouse,
    night: Night,
    spend: SpendReport,
    why: Why,
    tally: Tally,
    *,
    parameters: Mapping[str, Any] | None = None,
    tables: Mapping[str, pl.DataFrame] | None = None,
) -> WritingReport:
    """Gather the record of a night whose content is written down.

    Args:
        warehouse: Holds the night's rows and texts.
        night: Whose words.
        spend: Of all its runs, so that writing it down again after a rerun does not forget the first.
        why: How an answer came to be, by its key: the ledger's.
        tally: What happened while writing.
        parameters: How it was written.
        tables: More tables to keep.
    """
    served = warehouse.frame(warehouse.fixed("writing_served"), {"as_of": night.as_of})
    traced = warehouse.frame(warehouse.fixed("writing_traced"), {"as_of": night.as_of, "most": MOST_TRACES})
    return WritingReport(
        spend=spend,
        parameters={**(parameters or {}), "code_version": night.code_version, "app_hash": night.app_hash},
        happened=dict(tally.happened),
        refused=dict(tally.refused),
        judged=dict(tally.judged),
        traces=[_trace(part, why, night) for part in traced.partition_by("brief_id", maintain_order=True)],
        samples=[_sample(row) for row in _spread(served).to_dicts()],
        tables={"served": _by_writer(served), **(tables or {})},
        revision=night.revision,
    )


def _spread(served: pl.DataFrame) -> pl.DataFrame:
    """Up to MOST_SAMPLES texts that many may read, of every content type and writer by turns, drawn by hash."""
    turn = pl.int_range(pl.len()).over("content_type", "ai_provider")
    shared = served.filter(~pl.col("personal")).with_columns(turn=turn)
    return shared.sort("turn", "content_type", "ai_provider", maintain_order=True).head(MOST_SAMPLES)


def _by_writer(served: pl.DataFrame) -> pl.DataFrame:
    """Texts, pieces and briefs of the night by content type and writer."""
    by = ("content_type", "ai_provider", "model", "prompt_version")
    counts = {"briefs": pl.col("brief_id").n_unique(), "texts": pl.len(), "pieces": pl.col("readers").sum()}
    return served.group_by(by).agg(**counts).sort(by)


def _sample(row: Mapping[str, Any]) -> SampleText:
    told = json.loads(row["metadata"] or "{}")
    return SampleText(
        brief={name: row[name] for name in BRIEF_FACTS},
        title=row["title"],
        text=row["text"],
        provider=row["ai_provider"],
        model=row["model"],
        prompt_version=row["prompt_version"],
        why=f"{how_chosen(told)} Read by {row['readers']:,} tonight.",
    )


def how_chosen(metadata: Mapping[str, Any]) -> str:
    """How a text came to serve, in a sentence or two, from its metadata."""
    written = metadata.get("written", "grammar")
    told = "The app's plain sentence, as no other might go out." if written == "plain" else "Passed every check."
    if metadata.get("asked_again"):
        told = f"Passed when asked again, after: {metadata.get('reason')}."
    if instead := metadata.get("instead_of"):
        told = f"Written in place of {instead}, because: {metadata.get('reason')}."
    judged = metadata.get("judged")
    if not isinstance(judged, Mapping):
        return told
    by = {
        "judge": f"The judge {judged.get('judge', '')} named it in both orders: {judged.get('why', '')}.",
        "rules": f"Ahead by the rules' score of {judged.get('score')}, as the judge did not decide.",
        "margin": f"Clearly ahead by the rules' score of {judged.get('score')}.",
        "lot": "Drawn by lot between equals.",
        "alone": "It had no opponent.",
    }
    return f"{told} {by.get(str(judged.get('by')), '')}".strip()


def _trace(texts: pl.DataFrame, why: Why, night: Night) -> BriefTrace:
    first = texts.row(0, named=True)
    records = [record for key in texts["call_key"].unique(maintain_order=True) if (record := why(key)) is not None]
    return BriefTrace(
        brief_id=first["brief_id"],
        brief={name: first[name] for name in BRIEF_FACTS},
        calls=[_span(record, paid_now=record.night == str(night.as_of)) for record in records],
        texts=texts.filter("serves").select(pl.concat_str("title", "text", separator=": "))["title"].to_list(),
        personal=first["personal"],
    )


def _span(record: CallRecord, *, paid_now: bool) -> CallSpan:
    request, reply = record.request, record.reply
    outcome = reply.reason if isinstance(reply, Failed) else "answered" if reply else record.state
    return CallSpan(
        provider=request.provider,
        model=request.model,
        prompt_version=request.prompt_version,
        sent_at=record.sent_at,
        settled_at=record.settled_at or record.sent_at,
        usage=reply.usage if reply else Usage(),
        cost_usd=reply.cost_usd if reply else 0.0,
        outcome=outcome,
        mode=record.mode,
        paid_now=paid_now,
    )
