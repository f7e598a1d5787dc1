"""OpenAI's protocol: reading and refusing requests, and the bodies of answers (checked against openai 3.52)."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked
from tests.language_server.schemas import check_schema

PATHS = ("/v1/responses", "/v1/chat/completions")
_RESPONSES = frozenset(
    "access_programs background context_management conversation image include input instructions max_output_tokens "
    "max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options "
    "temperature text tool_choice tools top_logprobs top_p truncation user".split()
)
_CHAT = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options".split()
)
_REASONS = re.compile(r"^(gpt-[5-9]|o\d)")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def authenticate(headers: Mapping[str, str], key: str) -> None:
    """Raise what OpenAI answers to a key that is missing or wrong.

    Raises:
        ApiError: 401.
    """
    given = headers.get("authorization", "")
    if not given.startswith("Bearer ") or not given[7:].strip():
        raise ApiError(
            401,
            "invalid_request_error",
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    if given[7:] != key:
        raise wrong_key(given[7:])


def wrong_key(given: str) -> ApiError:
    """The answer to a key that does not exist."""
    shown = given[:8] + "*" * max(0, len(given) - 12) + given[-4:]
    return ApiError(
        401,
        "invalid_request_error",
        f"Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def no_quota() -> ApiError:
    """The answer to an account without credit: a 429 that waiting does not mend."""
    return ApiError(
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        code="insufficient_quota",
    )


def error_body(error: ApiError) -> dict[str, Any]:
    """The JSON of an error."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def read(path: str, body: Any, models: Mapping[str, str]) -> Asked:
    """Read and check the body of a live request or of a batch's line.

    Raises:
        ApiError: 400, or 404 for an unknown model.
    """
    if not isinstance(body, dict):
        raise _bad("We could not parse the JSON body of your request.")
    responses = path == PATHS[0]
    for name in body:
        if name not in (_RESPONSES if responses else _CHAT):
            raise _bad(f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    model = body.get("model")
    if not isinstance(model, str):
        raise _bad("you must provide a model parameter", "missing_required_parameter", "model")
    if models.get(model) != "openai":
        raise ApiError(
            404,
            "invalid_request_error",
            f"The model `{model}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    if body.get("stream"):
        raise _bad("This server does not stream.", "unsupported_value", "stream")
    if _REASONS.match(model):
        for name in ("temperature", "top_p") if responses else ("temperature", "top_p", "max_tokens"):
            if body.get(name) is not None:
                raise _bad(
                    f"Unsupported parameter: '{name}' is not supported with this model.", "unsupported_parameter", name
                )
    return _read_responses(model, path, body) if responses else _read_chat(model, path, body)


def _read_responses(model: str, path: str, body: dict[str, Any]) -> Asked:
    if "input" not in body:
        raise _missing("input")
    system, user = _parts(body["input"], "input")
    effort = _effort((body.get("reasoning") or {}).get("effort"), "reasoning.effort")
    most = _whole(body.get("max_output_tokens"), "max_output_tokens", 16)
    form = (body.get("text") or {}).get("format")
    schema = _format(form, form, "text.format")
    system = "\n".join(text for text in (body.get("instructions") or "", system) if text)
    return Asked("openai", path, model, system, user, schema, most, effort, True, body)


def _read_chat(model: str, path: str, body: dict[str, Any]) -> Asked:
    if "messages" not in body:
        raise _missing("messages")
    system, user = _parts(body["messages"], "messages")
    most = _whole(body.get("max_completion_tokens") or body.get("max_tokens"), "max_completion_tokens", 1)
    form = body.get("response_format")
    schema = _format(form, (form or {}).get("json_schema"), "response_format.json_schema")
    return Asked(
        "openai", path, model, system, user, schema, most, _effort(body.get("reasoning_effort"), "reasoning_effort"),
        True, body,
    )  # fmt: skip


def _parts(given: Any, param: str) -> tuple[str, str]:
    """The system and the user part of `input` or `messages`."""
    if isinstance(given, str):
        return "", given
    if not isinstance(given, list) or not given:
        raise _bad(f"Invalid '{param}': expected a string or a non-empty array.", "invalid_type", param)
    found: dict[str, list[str]] = {"system": [], "user": []}
    for i, message in enumerate(given):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in {"system", "developer", "user", "assistant"}:
            raise _bad(
                f"Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
                "invalid_value",
                f"{param}[{i}].role",
            )
        content = message.get("content")
        if isinstance(content, list):
            content = "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
        if not isinstance(content, str):
            raise _bad(f"Invalid type for '{param}[{i}].content'.", "invalid_type", f"{param}[{i}].content")
        found["system" if role in {"system", "developer"} else "user"].append(content)
    return "\n".join(found["system"]), "\n".join(found["user"])


def _format(form: Any, named: Any, param: str) -> dict[str, Any] | None:
    """The schema of a structured answer, checked."""
    if form is None or form.get("type") in {"text", "json_object"}:
        return None
    if form.get("type") != "json_schema" or not isinstance(named, dict):
        raise _bad(f"Invalid value for '{param}.type'.", "invalid_value", f"{param}.type")
    name = named.get("name")
    if name is None:
        raise _missing(f"{param}.name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise _bad(
            f"Invalid '{param}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            "invalid_value",
            f"{param}.name",
        )
    if "schema" not in named:
        raise _missing(f"{param}.schema")
    if named.get("strict"):
        check_schema("openai", named["schema"], name)
    schema: dict[str, Any] = named["schema"]
    return schema


def _effort(given: Any, param: str) -> str | None:
    if given is not None and given not in _EFFORTS:
        raise _bad(
            f"Invalid value: '{given}'. Supported values are: {', '.join(map(repr, _EFFORTS))}.", "invalid_value", param
        )
    return given


def _whole(given: Any, param: str, least: int) -> int:
    if given is None:
        return 16_384
    if not isinstance(given, int) or isinstance(given, bool):
        raise _bad(f"Invalid type for '{param}': expected an integer.", "invalid_type", param)
    if given < least:
        raise _bad(
            f"Invalid '{param}': integer below minimum value. Expected a value >= {least}, but got {given} instead.",
            "integer_below_min_value",
            param,
        )
    return given


def _bad(message: str, code: str | None = None, param: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request_error", message, code=code, param=param)


def _missing(param: str) -> ApiError:
    return _bad(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def answer_body(asked: Asked, answer: Answer, ident: str, now: float) -> bytes:
    """The JSON of a 200."""
    made = (
        _response(asked, answer, ident, now) if asked.endpoint == PATHS[0] else _completion(asked, answer, ident, now)
    )
    return orjson.dumps(made)


def _response(asked: Asked, answer: Answer, ident: str, now: float) -> dict[str, Any]:
    billed, cut = answer.billed, answer.stop == "truncated"
    status = "incomplete" if cut else "completed"
    part = (
        {"type": "refusal", "refusal": answer.text}
        if answer.stop == "refused"
        else {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
    )
    output: list[dict[str, Any]] = []
    if billed.reasoning:
        output.append({"id": f"rs_{ident}", "type": "reasoning", "summary": []})
    output.append({"id": f"msg_{ident}", "type": "message", "status": status, "content": [part], "role": "assistant"})
    asked_of = asked.body
    return {
        "id": f"resp_{ident}",
        "object": "response",
        "created_at": int(now),
        "status": status,
        "background": False,
        "completed_at": None if cut else int(now),
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": asked_of.get("instructions"),
        "max_output_tokens": asked_of.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": asked_of.get("prompt_cache_key"),
        "reasoning": {"effort": asked.effort, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": asked_of.get("store", True),
        "temperature": 1.0,
        "text": asked_of.get("text", {"format": {"type": "text"}}),
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": billed.input + billed.cached + billed.cache_write,
            "input_tokens_details": {"cached_tokens": billed.cached, "cache_write_tokens": billed.cache_write},
            "output_tokens": billed.output,
            "output_tokens_details": {"reasoning_tokens": billed.reasoning},
            "total_tokens": billed.input + billed.cached + billed.cache_write + billed.output,
        },
        "user": None,
        "metadata": asked_of.get("metadata") or {},
    }


def _completion(asked: Asked, answer: Answer, ident: str, now: float) -> dict[str, Any]:
    billed, refused = answer.billed, answer.stop == "refused"
    prompt = billed.input + billed.cached + billed.cache_write
    return {
        "id": f"chatcmpl-{ident}",
        "object": "chat.completion",
        "created": int(now),
        "model": asked.model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if refused else answer.text,
                    "refusal": answer.text if refused else None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "length" if answer.stop == "truncated" else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": billed.output,
            "total_tokens": prompt + billed.output,
            "prompt_tokens_details": {
                "cached_tokens": billed.cached,
                "cache_write_tokens": billed.cache_write,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": billed.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
    }
