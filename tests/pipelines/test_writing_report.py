import datetime as dt
import json

import pytest

from models.language.calls import Failed, Request, Usage, Written
from models.language.spending import CallRecord, SpendReport
from pipelines.content.authors import Tally
from pipelines.writing_report import how_chosen, report_writing
from tests.pipelines.publish.nights import AS_OF, challenge, make_night, message, played_warehouse, put

NOTHING = SpendReport(0, 0, 0, 0, {}, {}, Usage(), 0.0, 0.0, 0, 0, ())
SENT = dt.datetime(2024, 1, 9, 22, tzinfo=dt.UTC)


def brief(brief_id: str, **changes) -> dict:
    told = {"content_type": "daily_challenge", "persona": "SCHOLAR", "metric": "solved", "difficulty": "easy"}
    rest = {"language": "en", "occasion": "", "writer": "openai/luna/p1", "profile": ""}
    return {"brief_id": brief_id, "made_on": AS_OF, **told, **rest, **changes}


def text(brief_id: str, variant: str, **changes) -> dict:
    told = {"place": 0, "title": f"Title {variant}", "text": "Solve {goal_1} {window}.", "language": "en"}
    by = {"ai_provider": "openai", "model": "luna", "prompt_version": "p1", "call_key": f"key-{brief_id}"}
    rest = {"cost_usd": 0.001, "made_on": AS_OF, "serves": True, "metadata": json.dumps({"written": "openai"})}
    return {"brief_id": brief_id, "variant": variant, **told, **by, **rest, **changes}


def asked(key: str) -> CallRecord | None:
    request = Request("openai", "luna", "system", "user", {}, "x", 100, purpose="daily_challenge", prompt_version="p1")
    if key == "key-gone":
        return None
    reply = Failed(key, "refused") if key == "key-b2" else Written(key, "{}", Usage(10, output=5), 0.002)
    night = "2024-01-08" if key == "key-b2" else str(AS_OF)
    return CallRecord(
        request, "answered", reply, "", 1, SENT, SENT + dt.timedelta(seconds=3), "live", None, "toy", night
    )


@pytest.fixture(name="warehouse")
def _warehouse():
    with played_warehouse() as warehouse:
        yield warehouse


def written(player: int, brief_id: str, variant: str, **changes) -> dict:
    by = {"ai_provider": "openai", "model": "luna", "prompt_version": "p1"}
    return challenge(player, 1, brief_id=brief_id, variant=variant, title="Solve it", **by, **changes)


def test_samples_show_texts_with_their_slots_of_every_type_and_writer(warehouse):
    put(warehouse, "briefs", brief("b1"))
    put(warehouse, "texts", text("b1", "v1"), text("b1", "v2"))
    put(warehouse, "challenges", written(1, "b1", "v1"), written(2, "b1", "v1"), written(3, "b1", "v2"), challenge(4))
    put(warehouse, "messages", message(5))
    report = report_writing(warehouse, make_night(), NOTHING, asked, Tally())
    kinds = [(sample.brief["content_type"], sample.provider) for sample in report.samples]
    assert sorted(kinds[:3]) == [
        ("come_back_message", "offline"),
        ("daily_challenge", "offline"),
        ("daily_challenge", "openai"),
    ]
    by_text = {sample.title: sample for sample in report.samples}
    assert by_text["Title v1"].text == "Solve {goal_1} {window}."
    assert by_text["Title v1"].why == "Passed every check. Read by 2 tonight."
    assert by_text["Title v1"].brief["difficulty"] == "easy"
    served = {
        row["ai_provider"]: row for row in report.tables["served"].filter(content_type="daily_challenge").to_dicts()
    }
    assert (served["openai"]["briefs"], served["openai"]["texts"], served["openai"]["pieces"]) == (1, 2, 3)


def test_one_players_own_brief_gives_no_sample_and_a_trace_that_says_so(warehouse):
    put(warehouse, "briefs", brief("b1", profile=json.dumps({"spent": 500})))
    put(warehouse, "texts", text("b1", "v1"))
    put(warehouse, "challenges", written(1, "b1", "v1"))
    report = report_writing(warehouse, make_night(), NOTHING, asked, Tally())
    assert report.samples == []
    (trace,) = report.traces
    assert trace.personal
    assert "spent" not in str(trace)


def test_traces_tell_the_calls_of_tonights_briefs_and_what_became_of_them(warehouse):
    put(warehouse, "briefs", *(brief(name) for name in ("b1", "b2", "old", "gone")))
    put(warehouse, "texts", text("b1", "v1"), text("b1", "v2", serves=False), text("b2", "v1"), text("gone", "v1"))
    put(warehouse, "texts", text("old", "v1", made_on=AS_OF - dt.timedelta(days=1)))
    report = report_writing(warehouse, make_night(), NOTHING, asked, Tally(), parameters={"mode": "live"})
    traces = {trace.brief_id: trace for trace in report.traces}
    assert set(traces) == {"b1", "b2", "gone"}
    assert traces["b1"].texts == ["Title v1: Solve {goal_1} {window}."]
    (call,) = traces["b1"].calls
    assert (call.outcome, call.usage.output, call.cost_usd, call.paid_now) == ("answered", 5, 0.002, True)
    assert (call.settled_at - call.sent_at).seconds == 3
    (call,) = traces["b2"].calls
    assert (call.outcome, call.paid_now) == ("refused", False)
    assert traces["gone"].calls == []
    assert report.parameters == {"mode": "live", "code_version": "test", "app_hash": "abc"}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "Passed every check."),
        ({"written": "plain"}, "The app's plain sentence, as no other might go out."),
        ({"asked_again": True, "reason": "title is empty"}, "Passed when asked again, after: title is empty."),
        ({"instead_of": "openai", "reason": "refused"}, "Written in place of openai, because: refused."),
        ({"judged": {"by": "alone", "won": True}}, "Passed every check. It had no opponent."),
        (
            {"judged": {"by": "judge", "judge": "anthropic/haiku", "why": "clearer task"}},
            "Passed every check. The judge anthropic/haiku named it in both orders: clearer task.",
        ),
        ({"judged": {"by": "margin", "score": 0.9}}, "Passed every check. Clearly ahead by the rules' score of 0.9."),
    ],
)
def test_why_a_text_serves_is_told_in_words(metadata, said):
    assert how_chosen(metadata) == said
