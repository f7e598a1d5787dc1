"""Anthropic's protocol: reading and refusing requests, and the bodies of answers (checked against anthropic 2.11)."""

from collections.abc import Mapping
from typing import Any

import orjson

from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked
from tests.language_server.schemas import check_schema

PATH = "/v1/messages"
_FIELDS = frozenset(
    """
    cache_control container diagnostics inference_geo max_tokens messages metadata model output_config
    service_tier speed stop_sequences stream system thinking tool_choice tools
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NO_EFFORT = ("claude-haiku-4-5",)


def authenticate(headers: Mapping[str, str], key: str) -> None:
    """Raise what Anthropic answers to a key or version that is missing or wrong.

    The key comes as `x-api-key`, or as a bearer token since version 2 of the SDK.

    Raises:
        ApiError: 400 or 401.
    """
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not given:
        raise ApiError(401, "authentication_error", "x-api-key header is required")
    if given != key:
        raise wrong_key()
    if "anthropic-version" not in headers:
        raise _bad("anthropic-version: header is required")


def wrong_key() -> ApiError:
    """The answer to a key that does not exist."""
    return ApiError(401, "authentication_error", "invalid x-api-key")


def no_quota(kind: str = "") -> ApiError:
    """The answer to an account without credit: a 402 since the error has a type of its own, a 400 before."""
    message = (
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or "
        "purchase credits."
    )
    if kind == "400":
        return ApiError(400, "invalid_request_error", message)
    return ApiError(402, "billing_error", message)


def error_body(error: ApiError, request_id: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"type": "error", "error": {"type": error.type, "message": error.message}, "request_id": request_id}


def read(path: str, body: Any, models: Mapping[str, str]) -> Asked:
    """Read and check the body of a live request or of a batch's line.

    Raises:
        ApiError: 400, or 404 for an unknown model.
    """
    if not isinstance(body, dict):
        raise _bad("The request body is not valid JSON.")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise _bad(f"{name}: Field required")
    for name in body:
        if name not in _FIELDS:
            raise _bad(f"{name}: Extra inputs are not permitted")
    model, most = body["model"], body["max_tokens"]
    if not isinstance(most, int) or isinstance(most, bool):
        raise _bad("max_tokens: Input should be a valid integer")
    if most < 1:
        raise _bad("max_tokens: Input should be greater than or equal to 1")
    if models.get(model) != "anthropic":
        raise ApiError(404, "not_found_error", f"model: {model}")
    if body.get("stream"):
        raise _bad("stream: this server does not stream")
    system, marked = _system(body.get("system"))
    effort, schema = _output(model, body.get("output_config"))
    user, user_marked = _messages(body["messages"])
    marked = marked or user_marked or bool(body.get("cache_control"))
    return Asked("anthropic", path, model, system, user, schema, most, effort, marked, body)


def _system(given: Any) -> tuple[str, bool]:
    """The system part, and whether it carries a cache marker."""
    if given is None or isinstance(given, str):
        return given or "", False
    if not isinstance(given, list):
        raise _bad("system: Input should be a valid string or list")
    return _blocks(given, "system")


def _messages(given: Any) -> tuple[str, bool]:
    if not isinstance(given, list) or not given:
        raise _bad("messages: at least one message is required")
    texts, marked = [], False
    for i, message in enumerate(given):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in {"user", "assistant"}:
            raise _bad(
                f'messages: Unexpected role "{role}". The Messages API accepts a top-level `system` parameter, not '
                '"system" as an input message role.'
            )
        content = message.get("content")
        if isinstance(content, list):
            content, found = _blocks(content, f"messages.{i}.content")
            marked = marked or found
        if not isinstance(content, str) or not content.strip():
            raise _bad("messages: text content blocks must be non-empty")
        texts.append(content)
    if given[-1]["role"] == "assistant":
        raise _bad(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    return "\n".join(texts), marked


def _blocks(given: list[Any], where: str) -> tuple[str, bool]:
    texts, marks = [], 0
    for i, block in enumerate(given):
        if not isinstance(block, dict) or block.get("type") != "text" or not block.get("text"):
            raise _bad(f"{where}.{i}.text: text content blocks must be non-empty")
        marks += bool(block.get("cache_control"))
        texts.append(str(block["text"]))
    if marks > 4:
        raise _bad(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    return "\n".join(texts), marks > 0


def _output(model: str, config: Any) -> tuple[str | None, dict[str, Any] | None]:
    """Effort and schema."""
    config = config or {}
    effort, form = config.get("effort"), config.get("format")
    if effort is not None and effort not in _EFFORTS:
        raise _bad(f"output_config.effort: Input should be {', '.join(map(repr, _EFFORTS[:-1]))} or {_EFFORTS[-1]!r}")
    if effort is not None and model.startswith(_NO_EFFORT):
        raise _bad("This model does not support the effort parameter.")
    if form is None:
        return effort, None
    if form.get("type") != "json_schema":
        raise _bad("output_config.format.type: Input should be 'json_schema'")
    if "schema" not in form:
        raise _bad("output_config.format.schema: Field required")
    if extra := form.keys() - {"type", "schema"}:
        raise _bad(f"output_config.format.{min(extra)}: Extra inputs are not permitted")
    check_schema("anthropic", form["schema"])
    schema: dict[str, Any] = form["schema"]
    return effort, schema


def _bad(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)


def answer_json(asked: Asked, answer: Answer, ident: str, *, batch: bool = False) -> dict[str, Any]:
    """The message of a 200, or of a batch's succeeded line."""
    billed, refused = answer.billed, answer.stop == "refused"
    content: list[dict[str, Any]] = [] if refused else [{"type": "text", "text": answer.text}]
    usage: dict[str, Any] = {
        "input_tokens": billed.input,
        "cache_creation_input_tokens": billed.cache_write,
        "cache_read_input_tokens": billed.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": billed.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": billed.output,
        "service_tier": "batch" if batch else "standard",
        "inference_geo": "global",
    }
    if billed.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": billed.reasoning}
    return {
        "model": asked.model,
        "id": f"msg_{ident}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": {"truncated": "max_tokens", "refused": "refusal"}.get(answer.stop, "end_turn"),
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": answer.text} if refused else None,
        "usage": usage,
    }


def answer_body(asked: Asked, answer: Answer, ident: str, now: float) -> bytes:
    """The JSON of a 200."""
    return orjson.dumps(answer_json(asked, answer, ident))
