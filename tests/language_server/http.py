"""One HTTP request on its way: JSON, errors in either provider's form, cut connections, answers that never come."""

import asyncio
from typing import Any, BinaryIO

import orjson
from aiohttp import web

from tests.language_server import anthropic_wire, openai_wire
from tests.language_server.asked import ApiError

JSON = "application/json"


class CutError(Exception):
    """The connection is to be cut instead of answered."""


def base_headers(provider: str, request_id: str) -> dict[str, str]:
    """What either provider sends with every answer."""
    if provider == "openai":
        return {"x-request-id": request_id, "openai-organization": "org-test", "openai-processing-ms": "1"}
    return {"request-id": request_id, "anthropic-organization-id": "11111111-2222-3333-4444-555555555555"}


def reply(
    body: bytes | BinaryIO, headers: dict[str, str], *, status: int = 200, content_type: str = JSON
) -> web.Response:
    """An answer."""
    return web.Response(body=body, status=status, headers=headers, content_type=content_type)


def json_reply(value: Any, headers: dict[str, str] | None = None, *, status: int = 200) -> web.Response:
    """An answer in JSON."""
    return reply(orjson.dumps(value), headers or {}, status=status)


def error_reply(provider: str, error: ApiError, request_id: str) -> web.Response:
    """An error in the provider's form."""
    body = openai_wire.error_body(error) if provider == "openai" else anthropic_wire.error_body(error, request_id)
    headers = base_headers(provider, request_id) | error.headers
    if error.status == 429 and error.type == "insufficient_quota":
        headers["x-should-retry"] = "false"
    return json_reply(body, headers, status=error.status)


def cut(request: web.BaseRequest) -> None:
    """End the connection at once, without a word."""
    if request.transport is not None:
        request.transport.abort()


def gone(request: web.BaseRequest) -> bool:
    """Whether nobody is there any more to read an answer."""
    return request.transport is None or request.transport.is_closing()


async def hold(request: web.BaseRequest) -> None:
    """Say nothing until the client goes."""
    while not gone(request):  # noqa: ASYNC110 (a transport has no event to wait for)
        await asyncio.sleep(0.02)


def parsed(provider: str, raw: bytes) -> Any:
    """The JSON of a body.

    Raises:
        ApiError: 400.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        message = (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
            if provider == "openai"
            else "The request body is not valid JSON."
        )
        raise ApiError(400, "invalid_request_error", message) from None
