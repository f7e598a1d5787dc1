"""Live answers of the test server, asked by the official SDKs."""

import json

import anthropic
import openai
import pytest

from tests.language_server.asks import (
    GPT,
    HAIKU,
    LONG,
    SCHEMA,
    anthropic_body,
    anthropic_client,
    ask,
    brief,
    openai_body,
    openai_client,
)


@pytest.fixture
def gpt(language_server):
    with openai_client(language_server) as client:
        yield client


@pytest.fixture
def claude(language_server):
    with anthropic_client(language_server) as client:
        yield client


def test_openai_answers_in_the_form_of_the_schema_and_says_what_it_cost(gpt, language_server):
    answer = gpt.responses.create(**openai_body(instructions=LONG))
    texts = json.loads(answer.output_text)["variants"]
    assert len(texts) == 3
    assert all(text["description"].count("{goal_1}") == 1 for text in texts)
    (bill,) = language_server.control.bills()["bills"]
    usage = answer.usage
    assert usage.input_tokens == bill["input"] + bill["cached"] + bill["cache_write"]
    assert usage.input_tokens_details.cache_write_tokens == bill["cache_write"] > 1024
    assert usage.output_tokens == bill["output"] == -(-len(answer.output_text) // 4)
    assert (bill["provider"], bill["model"], bill["content_type"]) == ("openai", GPT, "daily_challenge")


def test_the_same_question_gets_the_same_texts_by_responses_and_by_chat(gpt):
    form = {"type": "json_schema", "json_schema": {"name": "texts", "schema": SCHEMA, "strict": True}}
    said = gpt.chat.completions.create(
        model=GPT, messages=[{"role": "user", "content": brief()}], response_format=form, max_completion_tokens=2000
    )
    assert said.choices[0].message.content == gpt.responses.create(**openai_body()).output_text
    assert said.choices[0].finish_reason == "stop"
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


def test_anthropic_counts_cached_tokens_apart_from_its_input(claude, language_server):
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    first = claude.messages.create(**anthropic_body(system=system)).usage
    second = claude.messages.create(**anthropic_body(brief(turn=2), system=system)).usage
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens == 1850
    assert first.cache_read_input_tokens == second.cache_creation_input_tokens == 0
    assert second.input_tokens < 300
    kinds = ("input", "cached", "cache_write")
    assert [sum(bill[kind] for kind in kinds) for bill in language_server.control.bills()["bills"]] == [
        usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
        for usage in (first, second)
    ]


def test_without_a_marker_anthropic_caches_nothing(claude):
    for turn in (1, 2):
        usage = claude.messages.create(**anthropic_body(brief(turn=turn), system=LONG)).usage
        assert usage.cache_read_input_tokens == usage.cache_creation_input_tokens == 0


def test_reasoning_is_part_of_the_output_and_is_billed_sometimes(gpt):
    details = [
        gpt.responses.create(**openai_body(brief(turn=turn), reasoning={"effort": "low"})).usage for turn in range(12)
    ]
    reasoned = [usage for usage in details if usage.output_tokens_details.reasoning_tokens]
    assert 0 < len(reasoned) < 12
    assert all(usage.output_tokens > usage.output_tokens_details.reasoning_tokens for usage in reasoned)


def test_an_answer_longer_than_allowed_is_cut_and_paid_for(gpt, claude, language_server):
    answer = gpt.responses.create(**openai_body(max_output_tokens=20))
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    said = claude.messages.create(**anthropic_body(max_tokens=20))
    assert (said.stop_reason, said.usage.output_tokens) == ("max_tokens", 20)
    assert [bill["output"] for bill in language_server.control.bills()["bills"]] == [20, 20]


def test_equal_bodies_are_counted_together_and_equal_questions_whatever_the_rest_says(gpt, language_server):
    for more in ({}, {}, {"store": False}):
        gpt.responses.create(**openai_body(**more))
    bills = language_server.control.bills()
    assert sorted(bills["by_body"].values()) == [1, 2]
    assert list(bills["by_question"].values()) == [3]


def test_what_is_asked_is_remembered_with_its_body(gpt, language_server):
    gpt.responses.create(**openai_body(brief(theme="a quiet sea")))
    (asked,) = language_server.control.requests()["log"]
    assert "a quiet sea" in asked["body"]
    assert (asked["place"], asked["status"]) == ("live", 200)


@pytest.mark.parametrize("key", ["", "sk-wrong-0123456789"])
def test_a_wrong_key_is_401_in_either_form_and_costs_nothing(language_server, key):
    with (
        openai_client(language_server, api_key=key or "none") as client,
        pytest.raises(openai.AuthenticationError) as said,
    ):
        client.responses.create(**openai_body())
    assert said.value.code == "invalid_api_key"
    assert said.value.request_id.startswith("req_")
    with (
        anthropic_client(language_server, api_key=key or "none") as client,
        pytest.raises(anthropic.AuthenticationError) as told,
    ):
        client.messages.create(**anthropic_body())
    assert told.value.body["error"]["type"] == "authentication_error"
    assert told.value.body["request_id"] == told.value.request_id
    assert language_server.control.bills()["n"] == 0


def test_an_unknown_model_is_404_in_either_form(gpt, claude):
    with pytest.raises(openai.NotFoundError) as said:
        gpt.responses.create(**openai_body(model="gpt-0"))
    assert said.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError) as told:
        claude.messages.create(**anthropic_body(model="claude-0"))
    assert told.value.body["error"] == {"type": "not_found_error", "message": "model: claude-0"}


def _schema(**more):
    return {**SCHEMA, "properties": {"n": {"type": "integer"}}, "required": ["n"]} | more


@pytest.mark.parametrize(
    "schema",
    [_schema(additionalProperties=True), _schema(required=[]), {"type": "array", "items": {"type": "string"}}],
    ids=["others allowed", "not all required", "no object"],
)
def test_openai_refuses_a_schema_that_is_not_strict(gpt, schema):
    form = {"type": "json_schema", "name": "texts", "schema": schema, "strict": True}
    with pytest.raises(openai.BadRequestError) as said:
        gpt.responses.create(**openai_body(text={"format": form}))
    assert (said.value.code, said.value.param) == ("invalid_json_schema", "text.format.schema")


@pytest.mark.parametrize(
    "schema",
    [_schema(additionalProperties=True), _schema(properties={"n": {"type": "integer", "minimum": 1}})],
    ids=["others allowed", "bounds"],
)
def test_anthropic_refuses_a_schema_with_what_it_cannot_hold(claude, schema):
    with pytest.raises(anthropic.BadRequestError) as said:
        claude.messages.create(**anthropic_body(output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert said.value.body["error"]["message"].startswith("output_config.format.schema: For ")


@pytest.mark.parametrize("more", [{"temperature": 0.5}, {"max_output_tokens": 4}, {"best_of": 2}], ids=str)
def test_openai_refuses_parameters_that_the_model_does_not_take(gpt, more):
    with pytest.raises(openai.BadRequestError) as said:
        gpt.responses.create(**openai_body(), extra_body=more)
    assert said.value.param in more


@pytest.mark.parametrize(
    "more",
    [{"temperature": 0.5}, {"output_config": {"effort": "none"}}, {"messages": [{"role": "system", "content": "x"}]}],
    ids=str,
)
def test_anthropic_refuses_parameters_that_it_does_not_know(claude, more):
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(**anthropic_body(), extra_body=more)


def test_both_list_their_models(gpt, claude):
    assert GPT in {model.id for model in gpt.models.list()}
    assert HAIKU in {model.id for model in claude.models.list()}
    assert gpt.models.retrieve(GPT).id == GPT
    assert claude.models.retrieve(HAIKU).id == HAIKU


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_sdks_own_parser_takes_what_the_server_answers(language_server, provider):
    assert len(json.loads(ask(language_server, provider))["variants"]) == 3


def test_a_reset_forgets_everything_and_brings_the_settings_back(language_server, request):
    ask(language_server, "openai")
    language_server.control.faults({"what": "500"})
    language_server.control.reset(latency_ms=0)
    assert language_server.control.bills()["n"] == 0
    assert language_server.control.rules() == []
    ask(language_server, "openai")
    assert language_server.control.bills()["n"] == 1


def test_a_setting_or_fault_that_does_not_exist_is_named(language_server):
    with pytest.raises(ValueError, match="no setting is called latency"):
        language_server.control.settings(latency=3)
    with pytest.raises(ValueError, match="no fault is called 'rain'"):
        language_server.control.faults({"what": "rain"})
