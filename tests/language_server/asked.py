"""A request as both protocols come down to, and the errors that either may answer with."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from tests.language_server.task import Task, read_task


class ApiError(Exception):
    """What a provider answers instead of the thing asked for."""

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.type, self.message, self.code, self.param = status, type_, message, code, param
        self.headers = headers or {}


def canonical(body: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal bodies give equal bytes."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def sha(data: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Asked:
    """One question to a model.

    Attributes:
        endpoint: Its path, such as /v1/responses.
        caches: Whether the provider looks for the system part in its prompt cache.
        body: The body as it came; canonical(body) is what bills are counted by.
    """

    provider: str
    endpoint: str
    model: str
    system: str
    user: str
    schema: dict[str, Any] | None
    max_tokens: int
    effort: str | None
    caches: bool
    body: dict[str, Any] = field(repr=False)

    @cached_property
    def sha(self) -> str:
        """Of the canonical body."""
        return sha(canonical(self.body))

    @cached_property
    def question(self) -> str:
        """Of model, prompt and schema alone: equal live and in a batch, whatever the rest of the body says."""
        return sha(canonical([self.model, self.system, self.user, self.schema]))

    @cached_property
    def task(self) -> Task:
        """What the user part wants."""
        return read_task(self.user)

    @cached_property
    def system_tokens(self) -> int:
        """Tokens of the part that a prompt cache may hold."""
        return tokens(self.system)

    @cached_property
    def input_tokens(self) -> int:
        """Tokens of all that is sent."""
        schema = len(orjson.dumps(self.schema)) if self.schema else 0
        return self.system_tokens + tokens(self.user) + schema // 4 + 7


def tokens(text: str) -> int:
    """Four characters to a token, as is the rule of thumb for English."""
    return -(-len(text) // 4)
