"""Filled texts of the offline writer, of every content type and metric, as players would read them."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

import polars as pl

from configs.app import App
from configs.badge_rules import badge_rules, term_label
from configs.voice import locale_of
from models.tasks.attainment import whole_metrics
from pipelines.challenges.missions import mission_days
from pipelines.words.app_file import everything
from pipelines.words.briefs import Brief
from pipelines.words.citations import write_citations
from pipelines.words.content_type import ALSO
from pipelines.words.fill import fill_in
from pipelines.words.types import content_type
from pipelines.words.writers.offline import AI_PROVIDER, MODEL, write_variants

# What a night may fill in, by what is asked; see pipelines/challenges.
AMOUNTS = {
    "daily_challenge": (1.0, 2.0, 15.0, 2.5, 1200.0),
    "adaptive_mission": (1.0, 3.0, 20.0, 45.5),
    "mission_brief": (1.0, 3.0, 20.0, 45.5),
    "custom_achievement": (5.0, 50.0, 1200.0),
    "tutorial": (1.0, 2.0, 50.0, 0.5),
    "social_prompt": (1.0, 1.0, 2.0),
    "motivational_message": (1.0, 2.0, 13.0, 38.970001, 1250.0),
    "personal_coaching": (1.0, 4.0, 12.5),
    "badge_citation": (1.0, 13.0, 1250.0, 62.125),
}
FIRST_DAY = dt.date(2026, 5, 1)
PERCENTILES = (25, 50, 75, 90)
ENGLISH = locale_of("en")


@dataclass(frozen=True)
class Text:
    """One text with what it is about."""

    content_type: str
    metric: str
    occasion: str
    title: str
    text: str


def texts_of(app: App, *, variants: int = 3, seed: int = 0, language: str = "en") -> Iterator[Text]:
    """Some texts for every brief of the app's content types and each persona in turn, its citations included."""
    personas = list(app.personas) or [""]
    rows, texts = [], []
    for place, brief in enumerate(b for b in everything(app) if b.content_type != "badge_citation"):
        keyed = Brief(
            f"{seed}-{place}",
            brief.content_type,
            personas[(place + seed) % len(personas)],
            brief.metric,
            ("easy", "fair", "hard")[(place + seed) % 3] if brief.content_type == "daily_challenge" else "",
            language,
            brief.occasion,
            variants,
        )
        for nth, found in enumerate(write_variants(app, keyed, seed=seed)):
            days = _window(app, brief, place + nth + seed)
            spans = None if brief.content_type == "personal_coaching" else days
            rows.append({
                "at": len(texts), "content_type": brief.content_type, "metric": brief.metric,
                "amount": _amount(app, brief, place + nth + seed, days), "window_days": spans,
                "valid_until": FIRST_DAY + dt.timedelta(days=days - 1 + place % 31),
                "percentile": PERCENTILES[(place + nth) % len(PERCENTILES)], "occasion": brief.occasion,
                "done": _amount(app, brief, place + nth + seed + 1, days) if brief.metric else None,
                "also": _beside(app, brief, place + nth + seed, days),
            })  # fmt: skip
            texts.append({
                "title": found.title, "text": found.text, "brief_id": keyed.brief_id, "ai_provider": AI_PROVIDER,
                "model": MODEL, "prompt_version": "", "variant": found.variant, "metadata": found.metadata,
                "language": found.language,
            })  # fmt: skip
    chosen = pl.DataFrame(rows).with_columns(pl.col("at").cast(pl.UInt32), pl.col("percentile").cast(pl.Int32))
    filled = fill_in(app, chosen, pl.DataFrame(texts))
    for row, said in zip(rows, filled.iter_rows(named=True), strict=True):
        yield Text(str(row["content_type"]), str(row["metric"]), str(row["occasion"]), said["title"], said["text"])
    yield from _citations(app)


def _beside(app: App, brief: Brief, turn: int, days: int) -> list[dict[str, object]] | None:
    """What a mission asks for beside its own task: one or two other metrics in turn."""
    if ALSO not in content_type(brief.content_type).form.slots_on(brief.occasion):
        return None
    others = [name for name in app.challenges.metrics if name != brief.metric]
    chosen = [others[(turn + k) % len(others)] for k in range(1 + turn % 2)] if others else []
    asked = [replace(brief, metric=name) for name in dict.fromkeys(chosen)]
    return [
        {"metric": one.metric, "op": ">=", "target": _amount(app, one, turn + k, days)} for k, one in enumerate(asked)
    ]


def _window(app: App, brief: Brief, turn: int) -> int:
    """The days that a night would give: of days one asks only where there are several."""
    if brief.content_type in {"adaptive_mission", "mission_brief"}:
        return mission_days(app)
    several = brief.metric and app.metrics[brief.metric].agg == "days"
    windows = [days for days in app.challenges.windows if days > 1 or not several]
    return windows[turn % len(windows)] if windows else max(app.challenges.windows)


def _amount(app: App, brief: Brief, turn: int, days: int) -> float:
    """A number that the metric can come to."""
    amounts = AMOUNTS.get(brief.content_type, (1.0,))
    amount = amounts[turn % len(amounts)]
    if not brief.metric:
        return amount
    metric = app.metrics[brief.metric]
    if metric.agg == "days" and brief.content_type != "custom_achievement":
        return float(1 + turn % (days if brief.content_type != "motivational_message" else 28))
    return _possible(app, brief.metric, amount)


def _possible(app: App, name: str, amount: float) -> float:
    metric = app.metrics[name]
    if metric.agg == "streak" or (whole_metrics(app)[name] and metric.agg != "mean"):
        amount = float(max(1, round(amount)))
    declared = [app.property_of(event, metric.of or "value") for event in metric.events or app.active_events]
    if declared and all(one is not None and one.type == "boolean" for one in declared) and metric.agg == "mean":
        return 0.625
    bounds = [one.max for one in declared if one is not None and one.max is not None]
    return min(amount, *bounds) if bounds and metric.agg in {"max", "min", "mean"} else amount


def _citations(app: App) -> Iterator[Text]:
    amounts = cycle(AMOUNTS["badge_citation"])
    rows = [
        {
            "award_id": f"{nth:08x}{place:08x}", "player_key": 1, "badge_id": rule.badge_id,
            "evidence": json.dumps({"values": {
                term_label(t): min(_possible(app, t.metric, amount), t.days or 1e9)
                if app.metrics[t.metric].agg == "days" else _possible(app, t.metric, amount) for t in rule.rule.terms
            }}),
        }
        for place, rule in enumerate(badge_rules(app)) for nth in range(3) for amount in [next(amounts)]
    ]  # fmt: skip
    if rows:
        for award, said in zip(rows, write_citations(app, pl.DataFrame(rows)).iter_rows(named=True), strict=True):
            yield Text("badge_citation", str(award["badge_id"]), "shown", "", said["citation"])
