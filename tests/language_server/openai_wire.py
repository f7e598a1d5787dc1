"""OpenAI's protocol: keys, errors, reading and refusing requests (checked against openai 3.52)."""

import re
from collections.abc import Mapping
from typing import Any

from tests.language_server.asked import ApiError, Asked
from tests.language_server.openai_answers import CHAT, RESPONSES, answer_body
from tests.language_server.schemas import check_schema

__all__ = ["PATHS", "answer_body", "authenticate", "error_body", "no_quota", "read", "wrong_key"]

PATHS = (RESPONSES, CHAT)
_RESPONSES = frozenset(
    """
    access_programs background context_management conversation image include input instructions
    max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store
    stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)
_CHAT = frozenset(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
    messages metadata modalities model moderation n parallel_tool_calls prediction presence_penalty
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format
    safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools
    top_logprobs top_p user verbosity web_search_options
    """.split()  # noqa: SIM905 (so many words read better without quotes)
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
    responses = path == RESPONSES
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
    return None if given is None else str(given)


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
