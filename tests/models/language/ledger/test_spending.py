"""What was booked, what may still be spent, and what a report tells."""

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.ledger import Attempt, Budget, Outcome
from models.language.ledger.spending import ENOUGH
from tests.models.language.asking import MODEL, NOON, PLENTY, PRICES, Clock, a_run, ask, asks, ledger_at, written
from tests.models.language.ledger.opened import claim_one


def test_the_reserve_holds_until_the_cost_is_known(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request, run)
        most = most_it_costs(request, PRICES[MODEL])
        assert ledger.spent(run.app, run.night) == pytest.approx(most)
        assert ledger.spent_in_month() == pytest.approx(most)
        ledger.settle([written(attempt, cost_usd=most / 4)])
        assert ledger.spent(run.app, run.night) == pytest.approx(most / 4)
        assert ledger.spent_in_month() == pytest.approx(most / 4)


def test_no_more_is_granted_than_the_budget_can_bear(tmp_path):
    requests = asks(10)
    most = most_it_costs(requests[0], PRICES[MODEL])
    with ledger_at(tmp_path) as ledger:
        run, budget = a_run(), Budget(3.5 * most, 100)
        claims = ledger.claim(run, budget, requests, PRICES)
        assert [isinstance(claim, Attempt) for claim in claims] == [True] * 3 + [False] * 7
        assert {claim.reason for claim in claims[3:]} == {"budget"}
        assert ledger.claim(a_run(), budget, requests[5:], PRICES)[0].reason == "budget"
        assert isinstance(claim_one(ledger, ask("x"), a_run(night="2024-03-02"), budget), Attempt)
        assert isinstance(claim_one(ledger, ask("y"), a_run(app="oulad"), budget), Attempt)
        ledger.settle([written(claim, cost_usd=1e-9) for claim in claims[:3]])
        assert isinstance(claim_one(ledger, requests[9], a_run(), budget), Attempt)


def test_the_month_counts_all_apps_and_begins_anew(tmp_path):
    clock = Clock(dt.datetime(2024, 3, 31, 23, 59, tzinfo=dt.UTC))
    budget = Budget(100, 1.5 * most_it_costs(ask(), PRICES[MODEL]))
    with ledger_at(tmp_path, clock) as ledger:
        late_in_march = claim_one(ledger, ask(1), a_run(app="oulad"), budget)
        assert claim_one(ledger, ask(2), a_run(), budget).reason == "budget"
        clock.forward(minutes=2)
        assert ledger.spent_in_month() == 0
        assert isinstance(claim_one(ledger, ask(2), a_run(), budget), Attempt)
        in_april = ledger.spent_in_month()
        ledger.settle([written(late_in_march, cost_usd=0.5)])
        assert ledger.spent_in_month() == in_april


@pytest.mark.parametrize("budget", [Budget(0, 10), Budget(10, 0)])
def test_a_budget_of_zero_buys_nothing_not_even_what_is_free_but_gives_what_was_paid_for(tmp_path, budget):
    free = {MODEL: PRICES[MODEL].model_copy(update={"input_usd": 0.0, "output_usd": 0.0})}
    with ledger_at(tmp_path) as ledger:
        ledger.settle([written(claim_one(ledger, ask(1)))])
        claims = ledger.claim(a_run(), budget, asks(2), free)
        assert claims[0].reason == "budget"
        assert isinstance(claims[1], Written)


def test_a_model_without_a_price_is_not_asked(tmp_path):
    with ledger_at(tmp_path) as ledger:
        with pytest.raises(NightquestError, match="No price is known for the model 'gpt-x'"):
            ledger.claim(a_run(), PLENTY, [ask(), ask(model="gpt-x")], PRICES)
        assert isinstance(claim_one(ledger, ask()), Attempt)


def test_a_200_that_names_no_usage_is_booked_at_the_most_it_can_have_cost(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        ledger.settle([Outcome(claim_one(ledger, request, run).id, Failed(request.key, "malformed"), "<html>")])
        assert ledger.report(run).cost_usd == pytest.approx(most_it_costs(request, PRICES[MODEL]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["written", "rate", "unknown", "refused", "open"]))))
def test_sums_kept_for_budgets_equal_the_sums_over_all_attempts(tmp_path_factory, steps):
    home, run = tmp_path_factory.mktemp("ledger"), a_run()
    with ledger_at(home) as ledger:
        for n, end in steps:
            claim = claim_one(ledger, ask(n), a_run())
            if isinstance(claim, Attempt) and end != "open":
                failed = Failed(claim.request.key, end, usage=Usage(1), cost_usd=0.001 * (end == "refused"))
                ledger.settle([written(claim) if end == "written" else Outcome(claim.id, failed)])
        report = ledger.report(run, whole_night=True)
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(report.cost_usd + report.reserved_usd)
        assert ledger.spent_in_month() == pytest.approx(report.cost_usd + report.reserved_usd)
        assert report.calls == report.answered + report.in_flight + sum(
            n for reason, n in report.failed.items() if reason != "refused"
        )


def test_a_report_tells_models_purposes_and_tokens_apart(tmp_path):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        requests = [*asks(2, purpose="daily_challenge"), ask(purpose="judge", provider="anthropic"), ask("open")]
        claims = ledger.claim(run, PLENTY, requests, PRICES)
        ledger.settle([written(claim, cost_usd=0.001) for claim in claims[:3]])
        claim_one(ledger, ask("another night"), a_run(night="by hand"))
        report = ledger.report(run)
    lines = {(line.provider, line.purpose): (line.calls, line.answered, line.cost_usd) for line in report.lines}
    assert lines == {
        ("anthropic", "judge"): (1, 1, 0.001),
        ("openai", "daily_challenge"): (2, 2, 0.002),
        ("openai", ""): (1, 0, 0.0),
    }
    assert {line.mode for line in report.lines} == {"live"}
    assert report.tokens == Usage(30, 6, 9, 60, 15)
    assert (report.calls, report.answered, report.in_flight) == (4, 3, 1)
    assert report.cost_usd == pytest.approx(0.003)
    assert report.reserved_usd == pytest.approx(most_it_costs(ask("open"), PRICES[MODEL]))


def test_why_tells_how_an_answer_came_to_be(tmp_path):
    clock = Clock()
    request = ask(purpose="daily_challenge", prompt_version="7", effort="low", system="Ünïcode \u2028 system")
    with ledger_at(tmp_path, clock) as ledger:
        attempt = claim_one(ledger, request)
        assert ledger.why(request.key).reply is None
        clock.forward(seconds=3)
        outcome = written(attempt)
        ledger.settle([outcome])
        record = ledger.why(request.key)
        assert ledger.why(ask("never asked").key) is None
    assert record.request == request
    assert record.request.key == request.key
    assert record.raw == outcome.raw
    assert (record.attempts, record.mode) == (1, "live")
    assert (record.sent_at, record.settled_at) == (NOON, NOON + dt.timedelta(seconds=3))
    assert (record.reply.text, record.reply.paid_now) == (outcome.reply.text, False)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(), ascii_only=st.booleans(), other=st.text())
def test_a_raw_answer_comes_back_as_it_came(tmp_path_factory, text, ascii_only, other):
    raw = json.dumps({"a": other, "text": text, "again": text}, ensure_ascii=ascii_only)
    raw = raw.encode("utf-8", "replace").decode()
    text = text.encode("utf-8", "replace").decode()
    with ledger_at(tmp_path_factory.mktemp("ledger")) as ledger:
        attempt = claim_one(ledger, ask())
        ledger.settle([Outcome(attempt.id, Written(attempt.request.key, text, Usage(), 0.0), raw)])
        assert ledger.why(ask().key).raw == raw
        assert claim_one(ledger, ask()).text == text


def test_an_answer_with_what_no_file_can_hold_is_kept_without_it(tmp_path):
    """Lone surrogates cannot be written as UTF-8, and raw bytes that are no JSON may hold NULs."""
    with ledger_at(tmp_path) as ledger:
        attempts = ledger.claim(a_run(), PLENTY, asks(2), PRICES)
        replies = [Written(attempt.request.key, "half \ud83d a pair", Usage(1), 0.0) for attempt in attempts]
        raws = ["raw \ud83d half \ud83d a pair", "\0a half \0u raw \0v"]
        ledger.settle([Outcome(*row) for row in zip([a.id for a in attempts], replies, raws, strict=True)])
        assert [claim.text for claim in ledger.claim(a_run(), PLENTY, asks(2), PRICES)] == ["half ? a pair"] * 2
        assert [ledger.why(request.key).raw for request in asks(2)] == ["raw ? half ? a pair", raws[1]]


def test_the_ledger_tells_what_answers_usually_cost_once_there_are_enough(tmp_path):
    with ledger_at(tmp_path) as ledger:
        assert ledger.usual_shares() == {}
        few, many = asks(ENOUGH - 1, purpose="tutorial"), asks(ENOUGH, purpose="judge", system="Judge.")
        claims = ledger.claim(a_run(), PLENTY, [*few, *many, ask("unanswered", purpose="judge")], PRICES)
        ledger.settle([written(claim, cost_usd=0.0001) for claim in claims[:-1]])
        most = sum(most_it_costs(request, PRICES[MODEL]) for request in many)
        assert ledger.usual_shares() == {(MODEL, "judge"): pytest.approx(0.0001 * ENOUGH / most, rel=1e-3)}


# Several threads, several processes, and their ends
