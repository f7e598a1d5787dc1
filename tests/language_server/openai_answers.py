"""The bodies of OpenAI's answers (checked against openai 3.52)."""

from typing import Any

import orjson

from tests.language_server.answers import Answer
from tests.language_server.asked import Asked

RESPONSES, CHAT = "/v1/responses", "/v1/chat/completions"


def answer_body(asked: Asked, answer: Answer, ident: str, now: float) -> bytes:
    """The JSON of a 200."""
    made = (
        _response(asked, answer, ident, now) if asked.endpoint == RESPONSES else _completion(asked, answer, ident, now)
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
