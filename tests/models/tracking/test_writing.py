"""Real MLflow on SQLite. Opening it costs seconds, so one store serves all tests, each with an app of its own."""

import datetime as dt
import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from models.language.calls import Usage
from models.language.ledger import SpendLine, SpendReport
from models.tracking.store import Tracking
from models.tracking.writing import (
    LONGEST_TEXT,
    MOST_SAMPLES,
    MOST_TRACES,
    BriefTrace,
    CallSpan,
    SampleText,
    WritingReport,
    kind_of_fault,
    record_writing,
)
from tests.once import tracked_home

AS_OF = dt.date(2024, 3, 1)
SENT = dt.datetime(2024, 2, 29, 22, tzinfo=dt.UTC)
FACTS = {
    "content_type": "daily_challenge",
    "persona": "SCHOLAR",
    "metric": "solved",
    "difficulty": "easy",
    "language": "en",
}
PRIVATE = "canary-profile-4711"
apps = (f"written_{i}" for i in itertools.count())


@pytest.fixture(name="tracking", scope="module")
def _tracking(tmp_path_factory):
    home = tracked_home(tmp_path_factory, tmp_path_factory.mktemp("writing"))
    return Tracking(f"sqlite:///{home}/mlflow.db", home / "mlartifacts")


@pytest.fixture(name="app")
def _app():
    return next(apps)


def spend(**changes) -> SpendReport:
    lines = (
        SpendLine("openai", "luna", "daily_challenge", "live", 3, 3, Usage(900, 100, 0, 300, 50), 0.03, 0.0),
        SpendLine("anthropic", "haiku", "judge", "batch", 1, 1, Usage(200, 0, 0, 40, 0), 0.01, 0.0),
    )
    told = {"calls": 4, "answered": 4, "in_flight": 0, "from_ledger": 12, "failed": {"refused": 1}, "turned_away": {}}
    money = {"cost_usd": 0.04, "reserved_usd": 0.001, "resent": 0, "in_flight_at_kill": 0}
    return SpendReport(**{**told, "tokens": Usage(1100, 100, 0, 340, 50), **money, "lines": lines, **changes})


def trace(number: int = 0, **changes) -> BriefTrace:
    calls = [
        CallSpan("openai", "luna", "p1", SENT, SENT + dt.timedelta(seconds=2), Usage(300, 100, 0, 90, 10), 0.01),
        CallSpan("anthropic", "haiku", "p1", SENT, SENT + dt.timedelta(seconds=5), Usage(10), 0.002, "refused"),
    ]
    told = {"brief_id": f"b{number}", "brief": {**FACTS, "profile": PRIVATE}, "calls": calls, "texts": ["Solve it."]}
    return BriefTrace(**{**told, **changes})


def sample(number: int = 0, **changes) -> SampleText:
    told = {"brief": {**FACTS, "evidence": PRIVATE}, "title": f"Night {number}", "text": "Solve {goal_1} {window}."}
    by = {"provider": "openai", "model": "luna", "prompt_version": "p1", "why": "won 4 of 5 by the judge"}
    return SampleText(**{**told, **by, **changes})


def report(**changes) -> WritingReport:
    told = {
        "spend": spend(),
        "parameters": {"provider": "both", "mode": "live"},
        "happened": {"first": 9, "again": 1, "offline": 2},
        "refused": {
            "title says 'sure win', which the voice forbids": 2,
            "title says 'riches', which the voice forbids": 1,
        },
        "judged": {"judge": 5, "margin": 3},
        "traces": [trace()],
        "samples": [sample()],
        "tables": {"arms": pl.DataFrame({"arm": ["a", "b"], "players": [10, 11]})},
    }
    return WritingReport(**{**told, **changes})


def artifacts(tracking, run_id) -> Mapping[str, str]:
    found = {}
    for folder in (None, "tables"):
        for entry in tracking.client.list_artifacts(run_id, folder):
            if not entry.is_dir:
                found[entry.path] = Path(tracking.client.download_artifacts(run_id, entry.path)).read_text()
    return found


def traces(tracking, app, run_id):
    return tracking.client.search_traces(locations=[tracking.experiment(f"{app}/writing")], run_id=run_id)


def test_the_run_holds_calls_tokens_and_cost_of_each_provider_and_what_went_wrong(tracking, app):
    run = tracking.client.get_run(record_writing(tracking, app, AS_OF, report()))
    assert (run.info.run_name, run.info.status) == ("2024-03-01", "FINISHED")
    assert run.data.params | {} == {"as_of": "2024-03-01", "revision": "1", "provider": "both", "mode": "live"}
    expected = {
        "calls": 4,
        "cost_usd": 0.04,
        "from_ledger_share": 0.75,
        "tokens/output": 340,
        "openai/tokens/cached": 100,
        "openai/cost_usd": 0.03,
        "anthropic/calls": 1,
        "failed/refused": 1,
        "briefs/offline": 2,
        "judged/judge": 5,
        "refused/title says which the voice forbids": 3,
    }
    assert {name: run.data.metrics.get(name) for name in expected} == pytest.approx(expected)


def test_a_designer_reads_the_samples_and_a_machine_the_same(tracking, app):
    run_id = record_writing(tracking, app, AS_OF, report(samples=[sample(title="*Bold* <b>", text="# A head\nline")]))
    kept = artifacts(tracking, run_id)
    page = kept["samples.md"]
    assert "## \\*Bold\\* \\<b\\>" in page
    assert "> \\# A head line" in page
    assert "Why this one: won 4 of 5 by the judge" in page
    (row,) = json.loads(kept["samples.json"])
    assert (row["title"], row["brief"]["persona"], row["why"]) == ("*Bold* <b>", "SCHOLAR", "won 4 of 5 by the judge")
    assert kept["tables/arms.csv"].splitlines() == ["arm,players", "a,10", "b,11"]
    assert kept["tables/spend.csv"].count("\n") == 3


def test_a_trace_has_a_span_for_each_request_with_its_tokens_and_real_times(tracking, app):
    run_id = record_writing(tracking, app, AS_OF, report())
    (found,) = traces(tracking, app, run_id)
    root, *calls = found.data.spans
    assert root.inputs == FACTS
    assert root.outputs == {"texts": ["Solve it."], "written": 1}
    assert root.start_time_ns == int(SENT.timestamp() * 1e9)
    assert root.end_time_ns - root.start_time_ns == 5_000_000_000
    by_name = {span.name: span for span in calls}
    assert by_name["ask openai"].attributes["mlflow.chat.tokenUsage"]["input_tokens"] == 400
    assert by_name["ask openai"].parent_id == root.span_id
    assert by_name["ask anthropic"].status.status_code.value == "ERROR"
    assert found.info.token_usage["total_tokens"] == 400 + 90 + 10
    assert found.info.tags["brief_id"] == "b0"


def test_the_same_night_again_adds_nothing_and_another_revision_has_a_run_of_its_own(tracking, app):
    once = record_writing(tracking, app, AS_OF, report())
    more = report(spend=spend(cost_usd=0.05), traces=[trace(0), trace(1)])
    assert record_writing(tracking, app, AS_OF, more) == once
    assert record_writing(tracking, app, AS_OF, more) == once
    assert sorted(t.info.tags["brief_id"] for t in traces(tracking, app, once)) == ["b0", "b1"]
    history = tracking.client.get_metric_history(once, "cost_usd")
    assert [entry.value for entry in history] == [0.04, 0.05]
    other = record_writing(tracking, app, AS_OF, report(revision=2))
    assert other != once
    assert tracking.client.get_run(other).info.run_name == "2024-03-01 revision 2"


def test_nothing_of_one_player_is_recorded(tracking, app, tmp_path):
    own = [trace(1, personal=True, texts=[PRIVATE]), trace(2)]
    run_id = record_writing(
        tracking, app, AS_OF, report(traces=own, samples=[sample(1, personal=True, text=PRIVATE), sample(2)])
    )
    kept = "".join(artifacts(tracking, run_id).values())
    spans = "".join(json.dumps(t.to_dict(), default=str) for t in traces(tracking, app, run_id))
    assert PRIVATE not in kept + spans
    assert "1 text for one player, not recorded" in spans
    assert "Night 1" not in kept


def test_a_night_of_many_briefs_leaves_a_bounded_record(tracking, app):
    run_id = record_writing(
        tracking,
        app,
        AS_OF,
        report(
            traces=[trace(n, texts=["x" * 5000] * 50) for n in range(MOST_TRACES + 5)],
            samples=[sample(n) for n in range(MOST_SAMPLES + 5)],
            refused={f"has fault kind {chr(97 + n % 26)}{chr(97 + n // 26)}": 1 for n in range(90)},
        ),
    )
    found = traces(tracking, app, run_id)
    assert len(found) == MOST_TRACES
    assert max(len(text) for text in found[0].data.spans[0].outputs["texts"]) == LONGEST_TEXT
    assert artifacts(tracking, run_id)["samples.md"].count("## ") == MOST_SAMPLES
    names = tracking.client.get_run(run_id).data.metrics
    assert sum(name.startswith("refused/") for name in names) == 20
    assert names["refused_texts_faults"] == 90


def test_an_offline_night_that_asked_nobody_is_recorded_too(tracking, app):
    nothing = spend(calls=0, answered=0, from_ledger=0, failed={}, tokens=Usage(), cost_usd=0.0, lines=())
    run_id = record_writing(tracking, app, AS_OF, WritingReport(nothing))
    metrics = tracking.client.get_run(run_id).data.metrics
    assert (metrics["calls"], metrics["from_ledger_share"], metrics["cost_usd"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("body says 'sure win', which the voice forbids", "body says …, which the voice forbids"),
        ("title carries a number of its own: '5'", "title carries a number of its own"),
        ("the answer is not JSON", "the answer is not JSON"),
    ],
)
def test_faults_of_a_kind_count_together(fault, kind):
    assert kind_of_fault(fault) == kind
