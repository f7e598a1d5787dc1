"""Batches over HTTP through the official SDKs."""

import itertools
import json
from collections import Counter

import pytest

from models.language.batches import BatchRows
from models.language.calls import Usage, Written, most_it_costs
from models.language.ledger import Attempt
from models.language.providers.provider import NoAnswerError
from tests.models.language.asking import Clock, a_run, ask, ledger_at
from tests.models.language.batches.sent import (
    PRICES,
    PROVIDERS,
    asks,
    billed_once,
    claims_of,
    collect,
    finish,
    provider_of,
    recover,
    submit,
)


@pytest.mark.parametrize("provider", PROVIDERS)
class TestOverHttp:
    def test_a_batch_is_submitted_collected_and_answers_every_claim_at_batch_price(
        self, tmp_path, language_server, provider
    ):
        opened, requests, run = provider_of(language_server, provider), asks(30, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            (key,) = submit(ledger, opened, requests, run)
            assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
            assert {claim.detail for claim in claims_of(ledger, requests)} == {key}
            most = sum(most_it_costs(request, PRICES[request.model], batch=True) for request in requests)
            assert ledger.spent(run.app, run.night) == pytest.approx(most, rel=1e-6)
            done = finish(ledger, opened)
            assert (done.collected, done.answered, done.open) == (1, 30, 0)
            claims = claims_of(ledger, requests)
            assert all(isinstance(claim, Written) and claim.batch and not claim.paid_now for claim in claims)
            report = ledger.report(run)
            assert (report.calls, report.answered, report.in_flight) == (30, 30, 0)
            bills = language_server.control.bills()["bills"]
            usage = [Usage(*(bill[kind] for kind in vars(Usage()))) for bill in bills]
            cost = sum(one.cost_usd(PRICES[requests[0].model], batch=True) for one in usage)
            assert report.cost_usd == pytest.approx(cost, abs=1e-7)
            assert report.tokens.output == sum(one.output for one in usage)
            assert {line.mode for line in report.lines} == {"batch"}
            record = ledger.why(requests[0].key)
            assert (record.mode, record.request.key) == ("batch", requests[0].key)
            assert json.loads(record.raw)
            assert submit(ledger, opened, requests, run) == []
        assert billed_once(language_server, requests)

    def test_batches_are_split_by_count(self, tmp_path, language_server, provider):
        language_server.control.settings(batch_requests={"openai": 7, "anthropic": 7})
        opened, requests, run = provider_of(language_server, provider, max_requests=7), asks(20, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            assert len(submit(ledger, opened, requests, run)) == 3
            finish(ledger, opened)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert sorted(Counter(bill["batch"] for bill in language_server.control.bills()["bills"]).values()) == [6, 7, 7]

    def test_batches_are_split_by_bytes(self, tmp_path, language_server, provider):
        opened = provider_of(language_server, provider)
        requests = [ask(i, provider=provider, user="ü" * (200 + 97 * i)) for i in range(30)]
        sizes = [len(opened.batch_line("0" * 63, request)) for request in requests]
        opened.max_bytes = max(sizes) * 3
        language_server.control.settings(
            batch_bytes=dict.fromkeys(PROVIDERS, max(sizes) * 3 + 14)
        )  # and {"requests":[]}
        with ledger_at(tmp_path) as ledger:
            keys = submit(ledger, opened, requests)
            assert sum(sizes) / opened.max_bytes <= len(keys) < 2 * sum(sizes) / opened.max_bytes + 1
            finish(ledger, opened)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))

    def test_a_request_larger_than_a_batch_is_left_for_a_live_ask(self, tmp_path, language_server, provider):
        requests = [*asks(2, provider), ask("x" * 9000, provider=provider), *asks(2, provider, 2)]
        opened = provider_of(language_server, provider, max_bytes=8000)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            finish(ledger, opened)
            assert [isinstance(claim, Attempt) for claim in claims_of(ledger, requests)] == [
                False, False, True, False, False,
            ]  # fmt: skip

    def test_what_a_batch_did_not_answer_is_open_to_a_live_ask_and_the_rest_is_kept(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_partial", "share": 0.3}, {"what": "batch_shuffle"})
        opened, requests, run = provider_of(language_server, provider), asks(40, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            done = finish(ledger, opened)
            assert (done.answered, sum(done.failed.values()), done.strangers) == (28, 12, 0)
            claims = claims_of(ledger, requests)
            assert sum(isinstance(claim, Attempt) for claim in claims) == 12
            for request, claim in zip(requests, claims, strict=True):
                assert (claim.request if isinstance(claim, Attempt) else claim).key == request.key

    def test_an_expired_batch_gives_what_it_has_and_frees_the_rest(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "batch_expire", "share": 0.5})
        opened, requests = provider_of(language_server, provider), asks(20, provider)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            done = finish(ledger, opened)
            assert (done.answered, done.failed) == (10, {"expired": 10})
            assert sum(isinstance(claim, Attempt) for claim in claims_of(ledger, requests)) == 10

    def test_refused_and_truncated_lines_are_paid_for_and_not_asked_again(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "refusal", "times": 3}, {"what": "truncation", "times": 2})
        opened, requests, run = provider_of(language_server, provider), asks(12, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            done = finish(ledger, opened)
            assert done.answered == 12
            assert done.failed == {"refused": 3, "truncated": 2}
            assert not any(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))
            assert ledger.report(run).cost_usd == pytest.approx(done.cost_usd, abs=1e-7)

    def test_at_the_deadline_a_batch_is_canceled_and_what_it_has_done_is_kept(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_slow", "seconds": 12})
        opened, requests = provider_of(language_server, provider), asks(100, provider)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            done = finish(ledger, opened, wait_s=4)
            assert (done.canceled, done.open) == (1, 0)
            assert 0 < done.answered < 100
            claims = claims_of(ledger, requests)
            assert sum(isinstance(claim, Written) for claim in claims) == done.answered
            assert sum(isinstance(claim, Attempt) for claim in claims) == done.failed["canceled"]
        assert language_server.control.bills(entries=False)["n"] == done.answered

    def test_a_batch_whose_creation_got_no_answer_is_found_again_and_not_sent_twice(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_orphan", "times": 1}, {"what": "batch_shuffle"})
        opened, requests, run = provider_of(language_server, provider), asks(15, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            (key,) = submit(ledger, opened, requests, run)
            assert [batch.state for batch in BatchRows(ledger).unfinished()] == ["unsure"]
            assert {claim.detail for claim in claims_of(ledger, requests)} == {key}
            done = finish(ledger, opened)
            assert (done.adopted, done.released, done.answered) == (1, 0, 15)
        assert billed_once(language_server, requests)

    def test_among_orphans_of_one_size_each_finds_its_own(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "batch_orphan", "times": 3})
        opened, requests = provider_of(language_server, provider, max_requests=5), asks(15, provider)
        with ledger_at(tmp_path) as ledger:
            assert len(submit(ledger, opened, requests[:5])) == 1
            assert len(submit(ledger, opened, requests[5:10])) == 1
            assert len(submit(ledger, opened, requests[10:])) == 1
            done = finish(ledger, opened)
            assert (done.adopted, done.released) == (3, 0)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert billed_once(language_server, requests)

    def test_a_batch_that_never_reached_the_provider_is_given_back_once_that_is_sure(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "cut_before", "on": "create", "times": 1})
        opened, requests, clock, run = provider_of(language_server, provider), asks(6, provider), Clock(), a_run()
        with ledger_at(tmp_path, clock) as ledger:
            submit(ledger, opened, requests, run)
            assert recover(ledger, opened, sure_after_s=60).unsure == 1
            assert submit(ledger, opened, requests) == []
            assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
            clock.forward(seconds=61)
            assert recover(ledger, opened, sure_after_s=60).released == 1
            assert ledger.spent(run.app, run.night) == 0
            submit(ledger, opened, requests)
            assert finish(ledger, opened).answered == 6
        assert billed_once(language_server, requests)

    def test_a_declined_batch_frees_its_requests_and_no_further_one_is_tried(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "wrong_key", "on": "create"})
        opened, requests, run = provider_of(language_server, provider, max_requests=3), asks(9, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            assert submit(ledger, opened, requests, run) == []
            report = ledger.report(run)
            assert (report.failed, report.reserved_usd) == ({"key": 3}, 0)
            assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))

    @pytest.mark.parametrize("why", ["429", "no connection"])
    def test_a_batch_that_was_not_taken_goes_with_the_next_one(self, tmp_path, language_server, provider, why):
        opened, requests = provider_of(language_server, provider), asks(4, provider)
        first = provider_of(language_server, provider)
        if why == "429":
            language_server.control.faults({"what": "429", "on": "create", "times": 1})
        else:
            first._base_url = "http://127.0.0.1:9"
        with ledger_at(tmp_path) as ledger:
            assert submit(ledger, first, requests) == []
            assert BatchRows(ledger).unfinished() == []
            assert len(submit(ledger, opened, requests)) == 1
            first._base_url = "http://127.0.0.1:9"
            assert collect(ledger, first).unreachable == 1
            assert finish(ledger, opened).answered == 4
        assert billed_once(language_server, requests)

    def test_results_that_break_off_are_read_again_and_booked_once(self, tmp_path, language_server, provider):
        opened, requests, run = provider_of(language_server, provider), asks(300, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            language_server.control.idle()
            whole, calls = opened.results, itertools.count()

            async def broken(batch_id):
                if next(calls) == 0:
                    raise NoAnswerError("cut")
                return await whole(batch_id)

            opened.results = broken
            first = collect(ledger, opened)
            assert (first.answered, first.unreachable) == (0, 1)
            second = collect(ledger, opened)
            assert (second.answered, second.repeated, second.collected) == (300, 0, 1)
            assert ledger.report(run).cost_usd == pytest.approx(second.cost_usd, abs=1e-6)
