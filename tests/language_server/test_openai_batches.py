"""OpenAI's batches on the test server, through the official SDK."""

import json
import time

import openai
import pytest

from tests.language_server.asks import GPT, brief, openai_body, openai_client, openai_file

ENDED = {"completed", "failed", "expired", "cancelled"}


@pytest.fixture
def client(language_server):
    with openai_client(language_server) as client:
        yield client


def _bodies(n, **more):
    return [openai_body(brief(turn=i), **more) for i in range(n)]


def _begin(client, bodies, *, ids=None, metadata=None):
    data = bodies if isinstance(bodies, bytes) else openai_file(bodies, ids)
    file = client.files.create(file=("batch.jsonl", data), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/responses", completion_window="24h", metadata=metadata or {}
    )


def _wait(client, batch, seconds=300):
    end = time.monotonic() + seconds
    while (batch := client.batches.retrieve(batch.id)).status not in ENDED:
        assert time.monotonic() < end
        time.sleep(0.01)
    return batch


def _lines(client, file_id):
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()] if file_id else []


def test_a_batch_goes_through_its_states_and_every_line_is_answered_and_billed_once(client, language_server):
    batch = _begin(client, _bodies(40), metadata={"nightquest": "k1"})
    seen = []
    while batch.status not in ENDED:
        seen.append(batch.status)
        batch = client.batches.retrieve(batch.id)
    order = ["validating", "in_progress", "finalizing"]
    assert [status for status in order if status in seen] == list(dict.fromkeys(seen))
    assert batch.status == "completed"
    assert batch.metadata == {"nightquest": "k1"}
    assert (batch.request_counts.total, batch.request_counts.completed, batch.error_file_id) == (40, 40, None)
    lines = _lines(client, batch.output_file_id)
    answers = {line["custom_id"]: line["response"]["body"] for line in lines}
    assert set(answers) == {f"line-{i}" for i in range(40)}
    assert all(answer["status"] == "completed" and answer["model"] == GPT for answer in answers.values())
    bills = language_server.control.bills()
    assert set(bills["by_custom_id"].values()) == {1}
    assert {bill["batch"] for bill in bills["bills"]} == {batch.id}
    assert batch.usage.output_tokens == sum(bill["output"] for bill in bills["bills"])


def test_a_batch_answers_as_the_live_endpoint_would(client):
    batch = _wait(client, _begin(client, _bodies(1)))
    (line,) = _lines(client, batch.output_file_id)
    live = client.responses.create(**_bodies(1)[0])
    texts = [
        part["text"] for item in line["response"]["body"]["output"] if "content" in item for part in item["content"]
    ]
    assert texts == [live.output_text]


def test_batches_are_listed_newest_first_in_pages_with_their_metadata(client):
    made = [_begin(client, _bodies(1), metadata={"k": str(i)}).id for i in range(5)]
    page = client.batches.list(limit=2)
    assert page.has_more
    assert [batch.id for batch in page.data] == made[:-3:-1]
    assert [batch.metadata["k"] for batch in client.batches.list(limit=2)] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("bodies", "ids", "code"),
    [
        (_bodies(2), ["same", "same"], "duplicate_custom_id"),
        ([openai_body(), openai_body(model="gpt-5.4-mini")], None, "mismatched_model"),
        ([openai_body(model="gpt-0")], None, "model_not_found"),
        (b"no json\n", None, "invalid_json_line"),
        (openai_file(_bodies(1), url="/v1/chat/completions"), None, "invalid_url"),
    ],
    ids=["same id", "two models", "unknown model", "no json", "another url"],
)
def test_a_file_that_is_wrong_fails_as_a_whole_and_costs_nothing(client, language_server, bodies, ids, code):
    batch = _wait(client, _begin(client, bodies, ids=ids))
    assert (batch.status, batch.errors.data[0].code) == ("failed", code)
    assert batch.output_file_id is None
    assert language_server.control.bills()["n"] == 0


def test_too_many_requests_fail_and_too_many_bytes_are_not_taken(client, language_server):
    language_server.control.settings(
        batch_requests={"openai": 3, "anthropic": 3}, batch_bytes={"openai": 9000, "anthropic": 9000}
    )
    batch = _wait(client, _begin(client, _bodies(4)))
    assert (batch.status, batch.errors.data[0].code) == ("failed", "too_many_tasks")
    with pytest.raises(openai.APIStatusError) as refused:
        _begin(client, _bodies(12))
    assert refused.value.status_code == 413


def test_a_line_that_is_wrong_by_itself_stands_in_the_error_file(client, language_server):
    bodies = [*_bodies(2), openai_body(max_output_tokens=1)]
    batch = _wait(client, _begin(client, bodies))
    assert (batch.status, batch.request_counts.failed) == ("completed", 1)
    (line,) = _lines(client, batch.error_file_id)
    assert line["custom_id"] == "line-2"
    assert line["response"]["status_code"] == 400
    assert language_server.control.bills()["n"] == 2


def test_a_canceled_batch_keeps_what_it_has_done_and_bills_no_more(client, language_server):
    language_server.control.faults({"what": "batch_slow", "seconds": 20})
    batch = _begin(client, _bodies(100))
    while language_server.control.state()["bills"] < 25:
        time.sleep(0.02)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = _wait(client, batch)
    done, lost = (_lines(client, file) for file in (batch.output_file_id, batch.error_file_id))
    assert batch.status == "cancelled"
    assert 25 <= len(done) == language_server.control.bills()["n"] < 100
    assert len(done) + len(lost) == 100
    assert {line["error"]["code"] for line in lost} == {"batch_cancelled"}
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_a_batch_that_expires_bills_only_what_came_back(client, language_server):
    language_server.control.faults({"what": "batch_expire", "share": 0.25})
    batch = _wait(client, _begin(client, _bodies(20)))
    done, lost = (_lines(client, file) for file in (batch.output_file_id, batch.error_file_id))
    assert (batch.status, len(done), len(lost)) == ("expired", 15, 5)
    assert {line["error"]["code"] for line in lost} == {"batch_expired"}
    assert language_server.control.bills()["n"] == 15


def test_results_can_come_shuffled_and_fail_in_part(client, language_server):
    language_server.control.faults({"what": "batch_shuffle"}, {"what": "batch_partial", "share": 0.2})
    batch = _wait(client, _begin(client, _bodies(30)))
    done, lost = (_lines(client, file) for file in (batch.output_file_id, batch.error_file_id))
    order = [int(line["custom_id"].split("-")[1]) for line in done]
    assert order != sorted(order)
    assert (len(done), {line["response"]["status_code"] for line in lost}, len(lost)) == (24, {500}, 6)


def test_an_orphaned_batch_is_worked_off_and_billed_and_found_by_its_metadata_alone(client, language_server):
    language_server.control.faults({"what": "batch_orphan", "times": 1})
    with pytest.raises(openai.APIConnectionError):
        _begin(client, _bodies(3), metadata={"nightquest": "lost"})
    (found,) = [batch for batch in client.batches.list() if (batch.metadata or {}).get("nightquest") == "lost"]
    assert _wait(client, found).request_counts.completed == 3
    assert language_server.control.bills()["n"] == 3


def test_a_batch_whose_validation_fails_says_why(client, language_server):
    language_server.control.faults({"what": "batch_fail", "kind": "token_limit_exceeded"})
    batch = _wait(client, _begin(client, _bodies(2)))
    assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")


def test_metadata_beyond_its_bounds_is_refused(client):
    for metadata in ({"k": "x" * 513}, {"k" * 65: "x"}, {str(i): "x" for i in range(17)}):
        with pytest.raises(openai.BadRequestError):
            _begin(client, _bodies(1), metadata=metadata)


def test_files_are_listed_read_and_deleted(client):
    file = client.files.create(file=("batch.jsonl", openai_file(_bodies(1))), purpose="batch")
    assert [one.id for one in client.files.list()] == [file.id]
    assert client.files.retrieve(file.id).bytes == len(client.files.content(file.id).content)
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
