"""A question is bought once: claims, attempts and what is known of them."""

import pytest

from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.ledger import Attempt, Outcome
from tests.models.language.asking import MODEL, PLENTY, PRICES, a_run, ask, asks, ledger_at, written
from tests.models.language.ledger.opened import claim_one

UNBILLED = ["rate", "overloaded", "unreachable", "key", "quota", "model", "rejected", "breaker", "expired", "canceled"]


def test_a_question_is_granted_once_and_answered_from_the_ledger_ever_after(tmp_path):
    request = ask()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request)
        assert attempt == Attempt(1, request)
        ledger.settle([written(attempt)])
    with ledger_at(tmp_path) as ledger:
        run = a_run()
        again = claim_one(ledger, request, run)
        assert again == Written(
            request.key,
            '{"variants": ["Ä word"]}',
            Usage(10, 2, 3, 20, 5),
            0.0001,
            paid_now=False,
            seconds=0.25,
            night="2024-03-01",
        )
        report = ledger.report(run)
        assert (report.calls, report.from_ledger, report.cost_usd) == (0, 1, 0)


@pytest.mark.parametrize("reason", ["refused", "truncated", "malformed"])
def test_an_answer_of_no_use_was_paid_for_all_the_same_and_is_not_bought_again(tmp_path, reason):
    request = ask()
    failed = Failed(request.key, reason, "no thanks", Usage(10, 0, 0, 5, 0), 0.002)
    with ledger_at(tmp_path) as ledger:
        run = a_run()
        ledger.settle([Outcome(claim_one(ledger, request, run).id, failed, "{}")])
        again = claim_one(ledger, request)
        assert again == Failed(
            request.key, reason, "no thanks", Usage(10, 0, 0, 5, 0), 0.002, paid_now=False, night="2024-03-01"
        )
        report = ledger.report(run)
        assert (report.answered, report.failed, report.cost_usd) == (1, {reason: 1}, 0.002)


@pytest.mark.parametrize("reason", UNBILLED)
def test_what_was_not_billed_costs_nothing_and_may_be_sent_again_at_once(tmp_path, reason):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        first = claim_one(ledger, request, run)
        ledger.settle([Outcome(first.id, Failed(request.key, reason))])
        assert ledger.spent(run.app, run.night) == 0
        assert isinstance(claim_one(ledger, request, run), Attempt)
        assert ledger.report(run).failed == {reason: 1}


def test_an_unseen_answer_stays_booked_and_is_asked_once_more_by_a_later_run_only(tmp_path):
    request, first_run = ask(), a_run()
    most = most_it_costs(request, PRICES[MODEL])
    with ledger_at(tmp_path) as ledger:
        unknown = Failed(request.key, "unknown", "timed out")
        ledger.settle([Outcome(claim_one(ledger, request, first_run).id, unknown)])
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(most)
        assert claim_one(ledger, request, first_run).reason == "unknown"
        later = a_run()
        again = claim_one(ledger, request, later)
        assert isinstance(again, Attempt)
        ledger.settle([Outcome(again.id, unknown)])
        assert ledger.report(later).resent == 1
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(2 * most)
        for run in (later, a_run()):
            assert claim_one(ledger, request, run).reason == "unknown"
        whole = ledger.report(first_run, whole_night=True)
        assert (whole.calls, whole.resent, whole.failed, whole.turned_away) == (2, 1, {"unknown": 2}, {"unknown": 3})
        assert (whole.cost_usd, whole.reserved_usd) == (0, pytest.approx(2 * most))


def test_an_earlier_run_may_not_resend_what_a_later_one_lost(tmp_path):
    request, earlier, later = ask(), a_run(), a_run()
    with ledger_at(tmp_path) as ledger:
        claim_one(ledger, ask("other"), earlier)
        ledger.settle([Outcome(claim_one(ledger, request, later).id, Failed(request.key, "unknown"))])
        assert claim_one(ledger, request, earlier).reason == "unknown"


def test_a_resend_that_was_not_billed_may_be_tried_again_and_is_not_counted(tmp_path):
    request = ask()
    with ledger_at(tmp_path) as ledger:
        ledger.settle([Outcome(claim_one(ledger, request).id, Failed(request.key, "unknown"))])
        later = a_run()
        ledger.settle([Outcome(claim_one(ledger, request, later).id, Failed(request.key, "rate"))])
        assert ledger.report(later).resent == 0
        ledger.settle([written(claim_one(ledger, request, later))])
        assert ledger.report(later).resent == 1


def test_an_answer_that_comes_after_all_takes_the_place_of_the_unknown_outcome(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request, run)
        ledger.settle([Outcome(attempt.id, Failed(request.key, "unknown"))])
        ledger.settle([written(attempt, cost_usd=0.003)])
        assert ledger.spent(run.app, run.night) == pytest.approx(0.003)
        assert isinstance(claim_one(ledger, request), Written)


def test_settling_twice_books_once(tmp_path):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, ask(), run)
        outcome = written(attempt, cost_usd=0.002)
        ledger.settle([outcome, outcome])
        ledger.settle([written(attempt, "another text", cost_usd=0.005)])
        assert ledger.spent(run.app, run.night) == pytest.approx(0.002)
        assert claim_one(ledger, ask()).text == outcome.reply.text


def test_an_outcome_of_no_attempt_is_refused_and_nothing_of_its_list_kept(tmp_path):
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, ask())
        with pytest.raises(ValueError, match="no such attempt: 99"):
            ledger.settle([written(attempt), written(Attempt(99, ask()))])
        assert claim_one(ledger, ask()).reason == "late"


def test_equal_questions_in_one_list_get_one_attempt(tmp_path):
    with ledger_at(tmp_path) as ledger:
        first, second, third = ledger.claim(a_run(), PLENTY, [ask(), ask(2), ask()], PRICES)
        assert isinstance(first, Attempt)
        assert isinstance(second, Attempt)
        assert (third.reason, third.paid_now) == ("late", False)


def test_what_makes_a_question_another_makes_another_key():
    variants = [
        ask(), ask(2), ask(system="Other."), ask(schema={"type": "object"}), ask(max_tokens=7), ask(effort="low"),
        ask(model="gpt-5.4-mini"), ask(provider="anthropic"),
    ]  # fmt: skip
    assert len({request.key for request in variants}) == len(variants)
    assert ask(purpose="verdict", prompt_version="9", schema_name="other").key == ask().key
    assert ask(schema=dict(reversed(ask().schema.items()))).key == ask().key


def test_claims_come_in_the_order_of_requests_whatever_was_known_of_them(tmp_path):
    requests = asks(1200)
    with ledger_at(tmp_path) as ledger:
        some = requests[::3]
        attempts = ledger.claim(a_run(), PLENTY, some, PRICES)
        ledger.settle([written(attempt, f"text of {attempt.request.user}") for attempt in attempts])
        claims = ledger.claim(a_run(), PLENTY, requests, PRICES)
    for i, (request, claim) in enumerate(zip(requests, claims, strict=True)):
        if i % 3 == 0:
            assert claim.text == f"text of {request.user}"
        else:
            assert claim.request is request
