"""Filled texts of the offline writer, of every content type and metric, as players would read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.voice import voice_defaults
from pipelines.badges.rules import badge_rules, term_label
from pipelines.content.briefs import Brief
from pipelines.content.check import everything
from pipelines.content.citations import write_citations
from pipelines.content.fill import fill_in
from pipelines.content.offline import AI_PROVIDER, MODEL, write_variants

AMOUNTS = (1.0, 2.0, 13.0, 38.970001, 1250.0)
ENGLISH = voice_defaults().locale("en")


@dataclass(frozen=True)
class Text:
    """One text with what it is about."""

    content_type: str
    metric: str
    title: str
    text: str


def texts_of(app: App, *, variants: int = 3, amounts: tuple[float, ...] = AMOUNTS, seed: int = 0) -> Iterator[Text]:
    """Some texts for every brief of the app's content types and each persona in turn, its citations included."""
    personas = list(app.personas) or [""]
    rows, texts = [], []
    for place, brief in enumerate(b for b in everything(app) if b.content_type != "badge_citation"):
        keyed = Brief(
            f"{seed}-{place}",
            brief.content_type,
            personas[place % len(personas)],
            brief.metric,
            ("easy", "fair", "hard")[place % 3] if brief.content_type == "daily_challenge" else "",
            "en",
            brief.occasion,
            variants,
        )
        for nth, found in enumerate(write_variants(app, keyed, seed=seed)):
            amount = amounts[(place + nth) % len(amounts)]
            whole = brief.metric and app.metrics[brief.metric].agg not in {"sum", "max", "min", "mean"}
            rows.append({
                "at": len(texts), "content_type": brief.content_type, "metric": brief.metric,
                "amount": float(round(amount)) if whole else amount,
                "window_days": (1, 3, 7)[(place + nth) % 3], "percentile": 75,
            })  # fmt: skip
            texts.append({
                "title": found.title, "text": found.text, "brief_id": keyed.brief_id, "ai_provider": AI_PROVIDER,
                "model": MODEL, "prompt_version": "", "variant": found.variant, "metadata": found.metadata,
                "language": "en",
            })  # fmt: skip
    chosen = pl.DataFrame(rows).with_columns(pl.col("at").cast(pl.UInt32), pl.col("percentile").cast(pl.Int32))
    filled = fill_in(app, chosen, pl.DataFrame(texts))
    for row, said in zip(rows, filled.iter_rows(named=True), strict=True):
        yield Text(str(row["content_type"]), str(row["metric"]), said["title"], said["text"])
    yield from _citations(app, amounts)


def _citations(app: App, amounts: tuple[float, ...]) -> Iterator[Text]:
    rows = [
        {
            "award_id": f"{nth:08x}{place:08x}", "player_key": 1, "badge_id": rule.badge_id,
            "evidence": json.dumps({"values": {
                term_label(t): 0.5 if "rate" in t.metric or "share" in t.metric else amount for t in rule.rule.terms
            }}),
        }
        for place, rule in enumerate(badge_rules(app)) for nth, amount in enumerate(amounts[:3])
    ]  # fmt: skip
    if rows:
        for award, said in zip(rows, write_citations(app, pl.DataFrame(rows)).iter_rows(named=True), strict=True):
            yield Text("badge_citation", str(award["badge_id"]), "", said["citation"])
