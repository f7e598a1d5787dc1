"""Anthropic's message batches on the test server, through the official SDK."""

import time

import anthropic
import pytest

from tests.language_server.asks import anthropic_body, anthropic_client, brief


@pytest.fixture
def batches(language_server):
    with anthropic_client(language_server) as client:
        yield client.messages.batches


def _requests(n, **more):
    return [{"custom_id": f"line-{i}", "params": anthropic_body(brief(turn=i), **more)} for i in range(n)]


def _wait(batches, batch, seconds=300):
    end = time.monotonic() + seconds
    while (batch := batches.retrieve(batch.id)).processing_status != "ended":
        assert time.monotonic() < end
        time.sleep(0.01)
    return batch


def test_every_request_is_processing_until_all_have_ended(batches, language_server):
    language_server.control.faults({"what": "batch_slow", "seconds": 4})
    batch = batches.create(requests=_requests(60))
    while language_server.control.state()["bills"] < 25:
        time.sleep(0.01)
    midway = batches.retrieve(batch.id)
    assert (midway.request_counts.processing, midway.request_counts.succeeded, midway.results_url) == (60, 0, None)
    with pytest.raises(anthropic.AnthropicError, match="No `results_url`"):
        batches.results(batch.id)
    batch = _wait(batches, batch)
    assert (batch.request_counts.processing, batch.request_counts.succeeded) == (0, 60)
    results = {entry.custom_id: entry.result for entry in batches.results(batch.id)}
    assert set(results) == {f"line-{i}" for i in range(60)}
    assert {result.message.usage.service_tier for result in results.values()} == {"batch"}
    bills = language_server.control.bills()
    assert set(bills["by_custom_id"].values()) == {1}
    assert {bill["batch"] for bill in bills["bills"]} == {batch.id}


@pytest.mark.parametrize("custom_id", ["", "a b", "x" * 65, "ü"])
def test_a_custom_id_outside_of_its_pattern_is_refused(batches, custom_id):
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.0\.custom_id"):
        batches.create(requests=[{"custom_id": custom_id, "params": anthropic_body()}])


def test_the_same_custom_id_and_more_than_the_limits_are_refused(batches, language_server):
    with pytest.raises(anthropic.BadRequestError, match="more than once"):
        batches.create(requests=_requests(1) * 2)
    language_server.control.settings(
        batch_requests={"openai": 3, "anthropic": 3}, batch_bytes={"openai": 9000, "anthropic": 9000}
    )
    with pytest.raises(anthropic.BadRequestError, match="at most 3 items"):
        batches.create(requests=_requests(4))
    with pytest.raises(anthropic.APIStatusError) as refused:
        batches.create(requests=_requests(2, system="x" * 9000))
    assert refused.value.status_code == 413
    assert language_server.control.bills()["n"] == 0


def test_a_request_that_is_wrong_by_itself_is_errored_at_the_end(batches, language_server):
    requests = _requests(2)
    requests[1]["params"]["model"] = "claude-0"
    batch = _wait(batches, batches.create(requests=requests))
    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (1, 1)
    (errored,) = [entry.result for entry in batches.results(batch.id) if entry.custom_id == "line-1"]
    assert (errored.type, errored.error.error.type) == ("errored", "not_found_error")
    assert language_server.control.bills()["n"] == 1


def test_a_canceled_batch_says_so_line_by_line(batches, language_server):
    language_server.control.faults({"what": "batch_slow", "seconds": 20})
    batch = batches.create(requests=_requests(100))
    while language_server.control.state()["bills"] < 25:
        time.sleep(0.02)
    canceling = batches.cancel(batch.id)
    assert canceling.processing_status == "canceling"
    assert canceling.cancel_initiated_at is not None
    with pytest.raises(anthropic.BadRequestError):
        batches.delete(batch.id)
    counts = _wait(batches, batch).request_counts
    assert counts.succeeded == language_server.control.bills()["n"] < 100
    assert counts.succeeded + counts.canceled == 100


def test_expired_and_errored_requests_are_not_billed_and_the_order_may_be_any(batches, language_server):
    language_server.control.faults(
        {"what": "batch_expire", "share": 0.25}, {"what": "batch_partial", "share": 0.25}, {"what": "batch_shuffle"}
    )
    batch = _wait(batches, batches.create(requests=_requests(40)))
    counts = batch.request_counts
    assert counts.expired == 10
    assert counts.succeeded + counts.errored == 30
    assert language_server.control.bills()["n"] == counts.succeeded < 30
    order = [int(entry.custom_id.split("-")[1]) for entry in batches.results(batch.id)]
    assert sorted(order) == list(range(40)) != order


def test_an_orphaned_batch_is_billed_and_is_known_by_its_custom_ids_alone(batches, language_server):
    language_server.control.faults({"what": "batch_orphan", "times": 1})
    with pytest.raises(anthropic.APIConnectionError):
        batches.create(requests=[{"custom_id": "night-7-0", "params": anthropic_body()}])
    (found,) = batches.list()
    _wait(batches, found)
    assert [entry.custom_id for entry in batches.results(found.id)] == ["night-7-0"]
    assert language_server.control.bills()["n"] == 1


def test_batches_are_listed_newest_first_both_ways(batches):
    made = [batches.create(requests=_requests(1)).id for _ in range(5)]
    newest = made[::-1]
    assert [batch.id for batch in batches.list(limit=2)] == newest
    page = batches.list(limit=2, after_id=newest[1])
    assert ([batch.id for batch in page.data], page.has_more) == (newest[2:4], True)
    page = batches.list(limit=2, before_id=newest[3])
    assert ([batch.id for batch in page.data], page.has_more) == (newest[1:3], True)
    assert [batch.id for batch in batches.list(limit=10, before_id=newest[2]).data] == newest[:2]


def test_a_deleted_batch_is_gone(batches):
    batch = _wait(batches, batches.create(requests=_requests(1)))
    assert batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve(batch.id)
