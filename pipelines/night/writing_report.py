"""What a night's writing leaves for people to look at: spending, how some briefs were asked, and texts to read."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import Any

import polars as pl

from configs.errors import NightquestError
from data.warehouse import Warehouse
from models.language.calls import Usage, Written
from models.language.ledger import CallRecord, Ledger, Run, SpendReport, open_ledger
from models.tracking.writing import MOST_SAMPLES, MOST_TRACES, BriefTrace, CallSpan, SampleText, WritingReport
from pipelines.known import Known
from pipelines.night.words import Words
from pipelines.words.chosen import how_chosen
from pipelines.words.wishes import RunContext
from pipelines.words.writers.crew import Crew

_FACTS = ("content_type", "persona", "metric", "difficulty", "language", "occasion")


def report_writing(known: Known, crew: Crew, words: Words, context: RunContext) -> WritingReport:
    """Gather what is recorded of a night's writing; the ledger is opened only where models write."""
    spend, traces = SpendReport(), list[BriefTrace]()
    # A ledger that cannot be read was told of while writing; a night that is out is recorded all the same.
    with suppress(NightquestError), ExitStack() as held:
        if crew.teams:
            ledger = held.enter_context(open_ledger(context.settings.home, context.clock))
            spend = ledger.report(Run(known.app.app, str(known.as_of), ""), whole_night=True)
            traces = list(_traces(known, ledger))
    tally = words.account.tally
    return WritingReport(
        spend=spend,
        parameters={
            "experiment": crew.trial.experiment or "none",
            "arms": ", ".join(f"{arm.name} ({arm.provider}, {arm.prompt})" for arm in crew.trial.arms),
            "mode": known.app.content.mode,
            "types": ", ".join(known.app.content.types),
        },
        happened=tally.happened,
        refused=tally.refused,
        judged=tally.judged,
        live=asdict(words.account.live),
        traces=traces,
        samples=list(_samples(known.warehouse, words)),
        tables={"arms": _arms(words).to_dicts(), "texts": _texts(words).to_dicts()},
        revision=known.night.revision,
    )


def _used(words: Words) -> pl.DataFrame:
    """The texts with slots that are read, see `Worded.used`; `table` is whose they are."""
    used = {table: rows.used() for table, rows in words.tables.items()}
    return pl.concat([texts.with_columns(table=pl.lit(table)) for table, texts in used.items()])


def _samples(warehouse: Warehouse, words: Words) -> Iterator[SampleText]:
    """Texts of the night, evenly from all types and writers; none of a brief that is one player's own."""
    texts = _used(words)
    with warehouse.lend(asked=texts.select("brief_id").unique()):
        own = warehouse.frame("SELECT brief_id FROM briefs SEMI JOIN asked USING (brief_id) WHERE profile <> ''")
    drawn = (
        texts.join(own, on="brief_id", how="anti", maintain_order="left")
        .unique(["content_type", "ai_provider", "text"], keep="first", maintain_order=True)
        .sort(pl.col("text").str.reverse())  # an order that has nothing to do with players
        .with_columns(turn=pl.int_range(pl.len()).over("content_type", "ai_provider"))
        .sort("turn", "content_type", "ai_provider")
        .head(MOST_SAMPLES)
        .sort("content_type", "ai_provider", "turn")
    )
    for text, row in _as_read(words, drawn):
        told = json.loads(row["metadata"] or "{}")
        yield SampleText(
            brief={name: row[name] for name in _FACTS if row.get(name)},
            title=row["title"],
            text=text,
            provider=row["ai_provider"],
            model=row["model"],
            prompt_version=row["prompt_version"],
            why=how_chosen(told),
        )


def _as_read(words: Words, drawn: pl.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of tables (`table`, `first`) filled in, each with its text, in the order drawn."""
    found = dict[tuple[str, int], tuple[str, dict[str, Any]]]()
    for (table,), some in drawn.partition_by("table", as_dict=True).items():
        rows = words.tables[table].at(some["first"])
        for place, row in zip(some["first"], rows.whole().iter_rows(named=True), strict=True):
            found[table, place] = row[rows.text], row
    yield from (found[at] for at in drawn.select("table", "first").iter_rows())


def _traces(known: Known, ledger: Ledger) -> Iterator[BriefTrace]:
    """Briefs that were written for tonight, the first by id."""
    briefs = known.frame(
        "SELECT * FROM briefs WHERE made_on = $day ORDER BY brief_id LIMIT $most",
        {"day": known.as_of, "most": MOST_TRACES},
    )
    texts = known.frame("SELECT * FROM texts WHERE made_on = $day ORDER BY brief_id, place", {"day": known.as_of})
    for brief in briefs.iter_rows(named=True):
        mine = texts.filter(pl.col("brief_id") == brief["brief_id"])
        keys = mine["call_key"].unique(maintain_order=True)
        yield BriefTrace(
            brief_id=brief["brief_id"],
            brief={name: brief[name] for name in _FACTS},
            calls=[_span(record) for key in keys if (record := ledger.why(key)) is not None],
            texts=mine.filter("serves")["text"].to_list(),
            personal=bool(brief["profile"]),
        )


def _span(record: CallRecord) -> CallSpan:
    reply, request = record.reply, record.request
    outcome = "in flight" if reply is None else "answered" if isinstance(reply, Written) else reply.reason
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
    )


def _arms(words: Words) -> pl.DataFrame:
    return words.assigned.group_by("arm").agg(players=pl.len(), propensity=pl.col("propensity").first()).sort("arm")


def _texts(words: Words) -> pl.DataFrame:
    return (
        _used(words)
        .group_by("content_type", "ai_provider", "model", "prompt_version")
        .agg(texts=pl.col("n").sum(), briefs=pl.col("brief_id").n_unique())
        .sort("content_type", "ai_provider")
    )
