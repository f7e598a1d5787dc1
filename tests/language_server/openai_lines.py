"""What goes into and comes out of OpenAI's batches: requests that create one, lines, and the lines of results."""

import time
from typing import Any

import orjson

from tests.language_server import openai_wire
from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked
from tests.language_server.live import broken
from tests.language_server.work import Line


def check_create(body: Any) -> tuple[str, dict[str, str] | None]:
    """Endpoint and metadata of a request for a batch.

    Raises:
        ApiError: 400.
    """
    if not isinstance(body, dict):
        raise bad("We could not parse the JSON body of your request.")
    for name in ("input_file_id", "endpoint", "completion_window"):
        if name not in body:
            raise bad(f"Missing required parameter: '{name}'.", name)
    if body["completion_window"] != "24h":
        raise bad(f"Invalid value: '{body['completion_window']}'. Value must be '24h'.", "completion_window")
    if body["endpoint"] not in openai_wire.PATHS:
        raise bad(f"Invalid value: '{body['endpoint']}'.", "endpoint")
    seconds = (body.get("output_expires_after") or {"seconds": 3600}).get("seconds", 0)
    if not 3600 <= seconds <= 2_592_000:
        raise bad("Invalid 'output_expires_after.seconds'.", "output_expires_after.seconds")
    metadata = body.get("metadata")
    if metadata is not None:
        _check_metadata(metadata)
    return body["endpoint"], metadata


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or len(metadata) > 16:
        raise bad("Invalid 'metadata': at most 16 pairs.", "metadata")
    for name, value in metadata.items():
        if len(name) > 64 or not isinstance(value, str) or len(value) > 512:
            raise bad(f"Invalid 'metadata.{name}': keys up to 64 characters, strings up to 512.", f"metadata.{name}")


def form_fault(line: Any, endpoint: str) -> tuple[str, str, str] | None:
    """Code, message and parameter of what is wrong with the outside of a line."""
    for name in ("custom_id", "method", "url", "body"):
        if not isinstance(line, dict) or name not in line:
            return "missing_required_parameter", f"Missing required parameter: '{name}'.", name
    if line["method"] != "POST":
        return "invalid_method", f"The method '{line['method']}' is not supported.", "method"
    if line["url"] != endpoint:
        return "invalid_url", f"The URL '{line['url']}' does not match the batch's endpoint.", "url"
    return None


def error(code: str, message: str, line: int | None, param: str | None = None) -> dict[str, Any]:
    """One entry of a failed batch's errors."""
    return {"code": code, "message": message, "line": line, "param": param}


def bad(message: str, param: str | None = None) -> ApiError:
    """A 400."""
    return ApiError(400, "invalid_request_error", message, param=param, code="invalid_value")


def result_line(line: Line, number: str) -> bytes:
    """A line of the output or the error file."""
    result = line.result
    head = {"id": f"batch_req_{number}", "custom_id": line.custom_id}
    if isinstance(result, Answer) and isinstance(line.asked, Asked):
        body = openai_wire.answer_body(line.asked, result, number, time.time())
        response = {"status_code": 200, "request_id": f"req_{number}", "body": orjson.Fragment(body)}
        if line.trouble.what == "malformed" and line.trouble.rule and line.trouble.rule.kind != "text":
            # The results file itself stays whole; what one line says as its body does not.
            response["body"] = broken(body, line.trouble.rule.kind).decode(errors="ignore")
        return orjson.dumps({**head, "response": response, "error": None})
    if isinstance(result, ApiError):
        response = {
            "status_code": result.status,
            "request_id": f"req_{number}",
            "body": openai_wire.error_body(result),
        }
        return orjson.dumps({**head, "response": response, "error": None})
    code = "batch_expired" if result == "expired" else "batch_cancelled"
    message = (
        "This request could not be executed before the completion window expired."
        if result == "expired"
        else "This request could not be executed because the batch was cancelled."
    )
    return orjson.dumps({**head, "response": None, "error": {"code": code, "message": message}})
