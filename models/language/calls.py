"""What is asked of a language model and what comes back: requests with stable keys, answers with what they cost."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from configs.language import LanguageModel

FORMAT = 1  # of the key: another number buys every answer anew
# Why there is no usable answer. "unknown": it was sent and no answer seen, so that it may have been billed.
Reason = Literal[
    "refused",  # the model declined
    "truncated",  # cut off at max_tokens, paid for
    "malformed",  # a 200 that cannot be read
    "rejected",  # a 4xx: the request is wrong
    "key",  # 401 or 403
    "quota",  # the account has no credit left
    "model",  # the provider does not know the model
    "rate",  # 429 until patience ended
    "overloaded",  # 5xx or 529 until patience ended
    "unknown",
    "unreachable",  # no connection came about; nothing was sent
    "breaker",  # the provider failed too often of late
    "budget",  # would cost more than is left
    "expired",  # a batch ended without it
    "canceled",
    "late",  # a batch has it and has not ended in time
]
# Paid for, whatever it says: to ask again would be another purchase.
FINAL: frozenset[Reason] = frozenset({"refused", "truncated", "malformed"})


@dataclass(frozen=True)
class Request:
    """One question. Equal keys mean the same question: it is paid for once.

    Attributes:
        system: Long and stable, so that providers may cache it; nothing a player typed.
        user: The brief as JSON data.
        schema: JSON Schema of the answer, an object with every property required and no others.
        schema_name: Letters, digits, underscores.
        max_tokens: Of the answer, reasoning included.
        purpose: What it is for, in reports: a content type, `judge` and a content type, or `verdict`.
        prompt_version: Of the prompt that it was made from, in reports.
    """

    provider: str
    model: str
    system: str
    user: str
    schema: Mapping[str, Any]
    schema_name: str
    max_tokens: int
    effort: str | None = None
    purpose: str = ""
    prompt_version: str = ""

    @cached_property
    def key(self) -> str:
        """SHA-256 over provider, model, prompt, schema, parameters and input: 64 hex digits."""
        schema = json.dumps(self.schema, sort_keys=True)
        form = [FORMAT, self.provider, self.model, self.system, schema, self.max_tokens, self.effort]
        return hashlib.sha256(json.dumps(form).encode() + self.user.encode()).hexdigest()

    @cached_property
    def input_tokens(self) -> int:
        """An upper estimate of the tokens sent: three bytes of UTF-8 to a token."""
        size = len(self.system.encode()) + len(self.user.encode()) + len(json.dumps(self.schema))
        return size // 3 + 50


@dataclass(frozen=True)
class Usage:
    """Tokens billed, no token in two of the first four kinds; reasoning is part of output.

    Attributes:
        input: At the full price: neither read from nor written to the provider's cache.
    """

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    def cost_usd(self, model: LanguageModel, *, batch: bool = False) -> float:
        """What it costs in US dollars."""
        cached = model.input_usd if model.cached_input_usd is None else model.cached_input_usd
        write = model.input_usd if model.cache_write_usd is None else model.cache_write_usd
        full = self.input * model.input_usd + self.output * model.output_usd
        return (full + self.cached * cached + self.cache_write * write) / 1e6 * (model.batch_share if batch else 1)


def most_it_costs(request: Request, model: LanguageModel, *, batch: bool = False) -> float:
    """An upper bound in US dollars: every token estimated at its dearest price, the answer at full length."""
    dearest = max(model.input_usd, model.cache_write_usd or 0.0)
    cost = (request.input_tokens * dearest + request.max_tokens * model.output_usd) / 1e6
    return cost * (model.batch_share if batch else 1)


@dataclass(frozen=True)
class Written:
    """An answer.

    Attributes:
        text: The answer's JSON text, as the model gave it.
        paid_now: False when it came from the ledger and cost nothing this time.
        night: The night that paid for it, when it came from the ledger.
    """

    key: str
    text: str
    usage: Usage
    cost_usd: float
    batch: bool = False
    paid_now: bool = True
    seconds: float = 0.0
    night: str = ""


@dataclass(frozen=True)
class Failed:
    """No usable answer; `usage` and `cost_usd` are what it cost all the same. Else as `Written`."""

    key: str
    reason: Reason
    detail: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    batch: bool = False
    paid_now: bool = True
    seconds: float = 0.0
    night: str = ""


Reply = Written | Failed
