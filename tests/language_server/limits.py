"""Rate limits: buckets that fill steadily, for each model, with the headers of either provider.

A request takes its input and the most it may answer from the tokens when it comes; what the answer did not need is
given back at its end. (Anthropic says so of output tokens, OpenAI of `max_tokens`; that OpenAI gives any back is not
documented, and a client that learns from the headers need not know.)
"""

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Any

from tests.language_server.asked import ApiError, Asked
from tests.language_server.bills import Billed
from tests.language_server.options import Options

KINDS = ("requests", "tokens", "input_tokens", "output_tokens")


@dataclass
class Bucket:
    """What is left of an allowance; it fills by `limit` in a 'minute' of `window_s` seconds up to `limit * burst`."""

    limit: int
    window_s: float
    burst: float
    at: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.limit * self.burst

    def fill(self, now: float) -> None:
        """Let time pass."""
        self.level = min(self.limit * self.burst, self.level + (now - self.at) * self.limit / self.window_s)
        self.at = now

    def wait_s(self, wanted: float) -> float:
        """Seconds until so much is there; what can never be there waits for a full bucket."""
        wanted = min(wanted, self.limit * self.burst)
        return max(0.0, (wanted - self.level) * self.window_s / self.limit)

    @property
    def full_in_s(self) -> float:
        """Seconds until nothing is missing."""
        return (self.limit * self.burst - self.level) * self.window_s / self.limit


@dataclass
class Tally:
    """What became of the requests for one model."""

    admitted: int = 0
    refused: int = 0
    tokens: int = 0
    first: float | None = None
    last: float = 0


class Limits:
    """The buckets of every model."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._buckets: dict[str, dict[str, Bucket]] = {}
        self._tallies: dict[str, Tally] = {}

    def clear(self) -> None:
        """Fill every bucket and forget the past."""
        self._buckets.clear()
        self._tallies.clear()

    def admit(self, asked: Asked, now: float) -> dict[str, str]:
        """Take a request's part of the allowance; the headers that tell what is left. No limit: no headers.

        Raises:
            ApiError: 429, with how long to wait; nothing was taken.
        """
        buckets = self._of(asked.model, now)
        if not buckets:
            return {}
        tally = self._tallies.setdefault(asked.model, Tally(first=now))
        tally.last = now
        wants = _wants(asked)
        for bucket in buckets.values():
            bucket.fill(now)
        short = {kind: wait for kind, bucket in buckets.items() if (wait := bucket.wait_s(wants[kind])) > 1e-9}
        if short:
            tally.refused += 1
            kind = max(short, key=lambda one: short[one])
            raise self._refusal(asked, buckets, kind, short[kind], wants[kind])
        for kind, bucket in buckets.items():
            bucket.level -= wants[kind]
        tally.admitted += 1
        return self.headers(asked.provider, buckets)

    def settle(self, asked: Asked, billed: Billed, now: float) -> None:
        """Give back what was taken for output and not used."""
        buckets = self._of(asked.model, now)
        if not buckets:
            return
        self._tallies.setdefault(asked.model, Tally(first=now)).tokens += (
            billed.input + billed.cache_write + billed.output
        )
        unused = max(0, asked.max_tokens - billed.output)
        for kind in ("tokens", "output_tokens"):
            if bucket := buckets.get(kind):
                bucket.fill(now)
                bucket.level = min(bucket.limit * bucket.burst, bucket.level + unused)

    def report(self) -> dict[str, Any]:
        """By model: requests admitted and refused, tokens billed, seconds from first to last, and the limits."""
        return {
            model: {
                "admitted": tally.admitted,
                "refused": tally.refused,
                "tokens": tally.tokens,
                "seconds": tally.last - (tally.first or tally.last),
                "limits": {kind: bucket.limit for kind, bucket in self._buckets.get(model, {}).items()},
                "window_s": self._options.window_s,
            }
            for model, tally in self._tallies.items()
        }

    def _of(self, model: str, now: float) -> dict[str, Bucket]:
        limits = self._options.limits.get(model, self._options.limits.get("*", {}))
        if model not in self._buckets:
            self._buckets[model] = {
                kind: Bucket(limits[kind], self._options.window_s, self._options.burst, now)
                for kind in KINDS
                if kind in limits
            }
        return self._buckets[model]

    def headers(self, provider: str, buckets: dict[str, Bucket]) -> dict[str, str]:
        """What the provider says of the limits with every answer."""
        found = {}
        for kind, bucket in buckets.items():
            left = max(0, math.floor(bucket.level))
            if provider == "openai":
                if kind in {"requests", "tokens"}:
                    found[f"x-ratelimit-limit-{kind}"] = str(bucket.limit)
                    found[f"x-ratelimit-remaining-{kind}"] = str(left)
                    found[f"x-ratelimit-reset-{kind}"] = _go_duration(bucket.full_in_s)
            else:
                name = "anthropic-ratelimit-" + kind.replace("_", "-")
                found[f"{name}-limit"] = str(bucket.limit)
                # Anthropic rounds tokens to the nearest thousand.
                found[f"{name}-remaining"] = str(left if kind == "requests" else round(left, -3))
                full = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=bucket.full_in_s)
                found[f"{name}-reset"] = full.isoformat(timespec="seconds").replace("+00:00", "Z")
        return found

    def _refusal(self, asked: Asked, buckets: dict[str, Bucket], kind: str, wait: float, wanted: float) -> ApiError:
        headers = self.headers(asked.provider, buckets) | retry_after(asked.provider, wait, self._options.window_s)
        limit = buckets[kind].limit
        if asked.provider == "openai":
            short = "RPM" if kind == "requests" else "TPM"
            used = max(0, math.ceil(limit - buckets[kind].level))
            return ApiError(
                429,
                "requests" if kind == "requests" else "tokens",
                f"Rate limit reached for {asked.model} in organization org-test on {kind} per min ({short}): "
                f"Limit {limit}, Used {used}, Requested {wanted:.0f}. Please try again in {_go_duration(wait)}.",
                code="rate_limit_exceeded",
                headers=headers,
            )
        return ApiError(
            429,
            "rate_limit_error",
            f"This request would exceed your organization's rate limit of {limit:,} {kind.replace('_', ' ')} per "
            f"minute (model: {asked.model}).",
            headers=headers,
        )


def retry_after(provider: str, wait_s: float, window_s: float = 60) -> dict[str, str]:
    """The headers that say how long to wait: whole seconds, or as much of a shortened 'minute'; OpenAI adds ms."""
    unit = min(1.0, window_s / 60)
    seconds = f"{math.ceil(wait_s / unit - 1e-9) * unit:g}"
    extra = {"retry-after-ms": str(math.ceil(wait_s * 1000))} if provider == "openai" else {}
    return {"retry-after": seconds, **extra}


def _wants(asked: Asked) -> dict[str, float]:
    return {
        "requests": 1,
        "tokens": asked.input_tokens + asked.max_tokens,
        "input_tokens": asked.input_tokens,
        "output_tokens": asked.max_tokens,
    }


def _go_duration(seconds: float) -> str:
    """As OpenAI writes it: 120ms, 7.66s, 6m0s."""
    if seconds < 1:
        return f"{max(0, math.ceil(seconds * 1000))}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(seconds // 60)}m{seconds % 60:.0f}s"
