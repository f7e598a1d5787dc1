"""What a provider's headers say about its limits, OpenAI's and Anthropic's alike."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Kind = Literal["requests", "tokens", "input", "output"]
KINDS: tuple[Kind, ...] = ("requests", "tokens", "input", "output")
_ANTHROPIC = {"requests": "requests", "tokens": "tokens", "input": "input-tokens", "output": "output-tokens"}
_FIELDS: dict[bytes, tuple[Kind, str]] = {
    f"x-ratelimit-{field}-{kind}".encode(): (kind, field)
    for kind in ("requests", "tokens")
    for field in ("limit", "remaining", "reset")
} | {
    f"anthropic-ratelimit-{_ANTHROPIC[kind]}-{field}".encode(): (kind, field)
    for kind in KINDS
    for field in ("limit", "remaining", "reset")
}
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")


@dataclass(frozen=True, slots=True)
class Told:
    """One allowance as the headers tell it.

    Attributes:
        limit: In a minute.
        remaining: What was left when the answer was made.
        reset_s: Seconds until it is whole again; None when they do not say.
    """

    limit: float
    remaining: float | None = None
    reset_s: float | None = None


def read_limits(headers: Mapping[str, str], now: datetime) -> dict[Kind, Told]:
    """The allowances that the headers name; what cannot be read is left out."""
    given: dict[Kind, dict[str, str]] = {}
    for name, value in _pairs(headers):
        known = _FIELDS.get(name.lower())
        if known:
            given.setdefault(known[0], {})[known[1]] = value.decode("latin-1")
    return {kind: told for kind, fields in given.items() if (told := _told(fields, now)) is not None}


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the provider wants to be left alone, in seconds; None when it does not say."""
    found = {name.lower(): value.decode("latin-1") for name, value in _pairs(headers) if name[:5].lower() == b"retry"}
    if (text := found.get(b"retry-after-ms")) and (milliseconds := _number(text)) is not None:
        return milliseconds / 1000
    if not (text := found.get(b"retry-after")):
        return None
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        return _seconds_until(parsedate_to_datetime(text), now)
    except (ValueError, OverflowError, TypeError):
        return None


def duration_s(text: str, now: datetime) -> float | None:
    """Seconds of a duration (`6m0s`, `120ms`, `7.66s`, `3`) or until an RFC 3339 time; None when it is neither."""
    if (seconds := _number(text)) is not None:
        return seconds
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return _finite(sum(float(number) * _UNITS[unit] for number, unit in parts))
    try:
        return _seconds_until(datetime.fromisoformat(text), now)
    except (ValueError, OverflowError):
        return None


def _seconds_until(when: datetime, now: datetime) -> float:
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())


def _pairs(headers: Mapping[str, str]) -> Iterable[tuple[bytes, bytes]]:
    # httpx's headers decode and join on every look; their raw pairs are as they came.
    raw: Iterable[tuple[bytes, bytes]] | None = getattr(headers, "raw", None)
    return raw if raw is not None else [(name.encode(), value.encode()) for name, value in headers.items()]


def _told(fields: Mapping[str, str], now: datetime) -> Told | None:
    limit = _number(fields.get("limit", ""))
    if limit is None or limit < 1:
        return None
    reset = fields.get("reset")
    return Told(limit, _number(fields.get("remaining", "")), duration_s(reset, now) if reset else None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return _finite(number)


def _finite(number: float) -> float | None:
    return number if 0 <= number < float("inf") else None
