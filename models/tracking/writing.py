"""The record of a night's writing in MLflow: cost, faults, how some briefs were asked, and texts to read.

Nothing about a single player goes in: a brief is told by what many share, and the texts of one player's own brief are
counted, not shown.
"""

import datetime as dt
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from configs.nouns import counted
from models.language.calls import Usage
from models.language.ledger import SpendReport
from models.tracking.store import Tracking, night_name

MOST_TRACES = 20
MOST_SAMPLES = 20
MOST_TEXTS = 5  # of a trace
LONGEST_TEXT = 300
MOST_REASONS = 20
BRIEF_FACTS = ("content_type", "persona", "metric", "difficulty", "language", "occasion")
_QUOTED = re.compile(r"'[^']*'|‘[^’]*’|“[^”]*”|\"[^\"]*\"")  # noqa: RUF001 (models write both)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_\-. /]+")
_NAME_LENGTH = 100


@dataclass(frozen=True)
class CallSpan:
    """One request of a brief.

    Attributes:
        outcome: `answered`, or why there is no usable answer.
        mode: `live` or `batch`.
        paid_now: False when the answer came from the ledger.
    """

    provider: str
    model: str
    prompt_version: str
    sent_at: dt.datetime
    settled_at: dt.datetime
    usage: Usage
    cost_usd: float
    outcome: str = "answered"
    mode: str = "live"
    paid_now: bool = True


@dataclass(frozen=True)
class BriefTrace:
    """How the texts of one brief came about.

    Attributes:
        brief: By name; what is not in BRIEF_FACTS is not recorded.
        personal: One player's own brief, whose texts are not recorded.
        calls: Every request, in order.
        texts: What may go out.
    """

    brief_id: str
    brief: Mapping[str, str]
    calls: Sequence[CallSpan]
    texts: Sequence[str]
    personal: bool = False


@dataclass(frozen=True)
class SampleText:
    """A text for a designer to read.

    Attributes:
        brief: As in `BriefTrace`.
        why: How it came to be chosen, in words.
        personal: As in `BriefTrace`: it is not recorded.
    """

    brief: Mapping[str, str]
    title: str
    text: str
    provider: str
    model: str
    prompt_version: str
    why: str
    personal: bool = False


@dataclass(frozen=True)
class WritingReport:
    """All that is recorded of a night's writing.

    Attributes:
        spend: What all runs of the night asked, got and paid.
        parameters: How it was written: provider, mode, experiment, versions.
        happened: Briefs by how their texts came about.
        refused: Texts that failed their check, by fault.
        judged: Contests by how they were decided.
        live: Counts of the live asks: retries, 429s, breakers and the like.
        traces: Of some briefs; more than MOST_TRACES are left out.
        samples: More than MOST_SAMPLES are left out.
        tables: Kept as CSV, by name: arms, briefs by type. No column may hold anything of a single player.
    """

    spend: SpendReport
    parameters: Mapping[str, Any] = field(default_factory=dict)
    happened: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    judged: Mapping[str, int] = field(default_factory=dict)
    live: Mapping[str, float] = field(default_factory=dict)
    traces: Sequence[BriefTrace] = ()
    samples: Sequence[SampleText] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    revision: int = 1


def record_writing(tracking: Tracking, app: str, as_of: dt.date, report: WritingReport) -> str:
    """One run per night and revision in the experiment `<app>/writing`; again changes only what differs.

    Metrics, `samples.md` and `samples.json`, `tables/*.csv`, and traces of some briefs with a span per request.

    Returns:
        The run's id.
    """
    told = {"as_of": as_of, "revision": report.revision, **report.parameters}
    with tracking.only_run(f"{app}/writing", night_name(as_of, report.revision)) as (run_id, known):
        tracking.log_news(run_id, known, told, dict(_metrics(report)))
        _keep_files(tracking, run_id, _files(app, as_of, report))
        _keep_traces(tracking, app, as_of, report.traces[:MOST_TRACES], run_id)
    return run_id


def _files(app: str, as_of: dt.date, report: WritingReport) -> dict[str, str]:
    """Texts of the run's files by name."""
    samples = [sample for sample in report.samples if not sample.personal][:MOST_SAMPLES]
    tables = {"spend": _spend_table(report.spend)}
    tables |= {name: pl.DataFrame(list(rows)) for name, rows in report.tables.items()}
    written = {f"tables/{name}.csv": table.write_csv() for name, table in tables.items()}
    return {"samples.md": _page(app, as_of, samples), "samples.json": _json(samples), **written}


def _keep_files(tracking: Tracking, run_id: str, files: Mapping[str, str]) -> None:
    """All in one go: MLflow looks the run up for each time it is called."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        tracking.client.log_artifacts(run_id, scratch)


def _keep_traces(tracking: Tracking, app: str, as_of: dt.date, traces: Sequence[BriefTrace], run_id: str) -> None:
    """Those of briefs that somebody was asked about and the run has no trace of."""
    asked = [trace for trace in traces if trace.calls]
    if not asked:
        return
    experiment = tracking.experiment(f"{app}/writing")
    held = _traced(tracking, experiment, run_id)
    with tracking.active(run_id):
        for trace in asked:
            if trace.brief_id not in held:
                _trace(tracking, experiment, trace, as_of)


def kind_of_fault(fault: str) -> str:
    """A fault without what it quotes, so that faults of a kind count together."""
    return " ".join(_QUOTED.sub("…", fault).partition(": …")[0].split())


def _metrics(report: WritingReport) -> Iterator[tuple[str, float]]:
    spend = report.spend
    yield from ((name, float(value)) for name, value in vars(spend).items() if isinstance(value, int | float))
    asked = spend.from_ledger + spend.calls
    yield "from_ledger_share", spend.from_ledger / asked if asked else 0.0
    yield from _tokens("tokens", spend.tokens)
    for provider in sorted({line.provider for line in spend.lines}):
        lines = [line for line in spend.lines if line.provider == provider]
        yield f"{provider}/calls", float(sum(line.calls for line in lines))
        yield f"{provider}/cost_usd", sum(line.cost_usd for line in lines)
        yield from _tokens(f"{provider}/tokens", _added([line.tokens for line in lines]))
    groups = {
        "failed": spend.failed,
        "turned_away": spend.turned_away,
        "briefs": report.happened,
        "judged": report.judged,
        "live": report.live,
    }
    for group, counts in groups.items():
        yield from ((_name(f"{group}/{name}"), float(n)) for name, n in sorted(counts.items()))
    kinds: Counter[str] = Counter()
    for fault, n in report.refused.items():
        kinds[kind_of_fault(fault)] += n
    yield "refused_texts_faults", float(kinds.total())
    yield from ((_name(f"refused/{kind}"), float(n)) for kind, n in kinds.most_common(MOST_REASONS))


def _tokens(group: str, usage: Usage) -> Iterator[tuple[str, float]]:
    yield from ((f"{group}/{kind}", float(n)) for kind, n in asdict(usage).items())


def _added(usages: Sequence[Usage]) -> Usage:
    every = [asdict(usage) for usage in usages]
    return Usage(**{kind: sum(one[kind] for one in every) for kind in asdict(Usage())})


def _name(name: str) -> str:
    """A name that MLflow takes."""
    return " ".join(_NOT_IN_A_NAME.sub(" ", name).split())[:_NAME_LENGTH].rstrip()


def _facts(brief: Mapping[str, str]) -> dict[str, str]:
    return {name: brief[name] for name in BRIEF_FACTS if brief.get(name)}


def _spend_table(spend: SpendReport) -> pl.DataFrame:
    rows = [
        {name: getattr(line, name) for name in ("provider", "model", "purpose", "mode", "calls", "answered")}
        | {f"{kind}_tokens": n for kind, n in asdict(line.tokens).items()}
        | {"cost_usd": line.cost_usd, "reserved_usd": line.reserved_usd}
        for line in spend.lines
    ]
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame({"provider": []})


def _json(samples: Sequence[SampleText]) -> str:
    rows = [{**asdict(sample), "brief": _facts(sample.brief)} for sample in samples]
    return json.dumps([{k: v for k, v in row.items() if k != "personal"} for row in rows], ensure_ascii=False, indent=2)


def _page(app: str, as_of: dt.date, samples: Sequence[SampleText]) -> str:
    """The samples as Markdown, each text quoted, so that nothing in it is read as markup of the page."""
    lines = [f"# {counted(len(samples), 'text')} of {app}, night of {as_of}", ""]
    for sample in samples:
        facts = ", ".join(f"{name} {value}" for name, value in _facts(sample.brief).items())
        lines += [f"## {_plain(sample.title) or 'Without a title'}", "", f"> {_plain(sample.text)}", ""]
        lines += [f"- Brief: {_plain(facts)}"]
        lines += [f"- Written by: {sample.provider}, {sample.model}, prompt {sample.prompt_version}"]
        lines += [f"- Why this one: {_plain(sample.why)}", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """One line that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _traced(tracking: Tracking, experiment: str, run_id: str) -> set[str]:
    """Briefs that the run has traces of."""
    found = tracking.client.search_traces(locations=[experiment], run_id=run_id, max_results=500, include_spans=False)
    return {trace.info.tags.get("brief_id", "") for trace in found}


def _trace(tracking: Tracking, experiment: str, trace: BriefTrace, as_of: dt.date) -> None:
    """A trace: the brief as its root, a span per request, with the times that the ledger knows."""
    facts, mlflow = _facts(trace.brief), tracking.mlflow
    begin, end = min(call.sent_at for call in trace.calls), max(call.settled_at for call in trace.calls)
    tags = {"brief_id": trace.brief_id, "as_of": str(as_of), "content_type": facts.get("content_type", "")}
    name = f"write {facts.get('content_type', 'texts')}"
    root = mlflow.start_span_no_context(
        name, "CHAIN", inputs=facts, tags=tags, experiment_id=experiment, start_time_ns=_ns(begin)
    )
    for call in trace.calls:
        told = {
            "provider": call.provider,
            "model": call.model,
            "prompt_version": call.prompt_version,
            "mode": call.mode,
        }
        told |= {"paid_now": str(call.paid_now), "cost_usd": f"{call.cost_usd:.8f}", "outcome": call.outcome}
        span = mlflow.start_span_no_context(
            f"ask {call.provider}", "LLM", parent_span=root, attributes=told, start_time_ns=_ns(call.sent_at)
        )
        span.set_attribute("mlflow.chat.tokenUsage", _token_usage(call.usage))
        status = "OK" if call.outcome == "answered" else "ERROR"
        span.end(status=status, end_time_ns=_ns(call.settled_at))
    told_texts: object = f"{counted(len(trace.texts), 'text')} for one player, not recorded"
    if not trace.personal:
        told_texts = [text[:LONGEST_TEXT] for text in trace.texts[:MOST_TEXTS]]
    root.end(outputs={"texts": told_texts, "written": len(trace.texts)}, end_time_ns=_ns(end))


def _token_usage(usage: Usage) -> dict[str, int]:
    read = usage.input + usage.cached + usage.cache_write
    told = {"input_tokens": read, "output_tokens": usage.output, "total_tokens": read + usage.output}
    return told | {"cache_read_input_tokens": usage.cached, "cache_creation_input_tokens": usage.cache_write}


def _ns(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1e9)
