"""Requests, answers and a ledger with a clock that tests set."""

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager

from configs.language import LanguageModel
from models.language.calls import Request, Usage, Written
from models.language.ledger import Attempt, Budget, Ledger, Outcome, Run, open_ledger

MODEL = "gpt-5.6-luna"
# A dollar a token, so that what a request may cost can be told at a glance: see `PRICE`.
PRICES = {
    MODEL: LanguageModel(provider="openai", input_usd=1.0, output_usd=2.0, batch_share=0.5),
    "claude-haiku-5-5": LanguageModel(provider="anthropic", input_usd=1.0, output_usd=2.0, batch_share=0.5),
}
SCHEMA = {
    "type": "object",
    "properties": {"variants": {"type": "array", "items": {"type": "string"}}},
    "required": ["variants"],
    "additionalProperties": False,
}
PLENTY = Budget(1e6, 1e6)
NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
_RUNS = itertools.count(1)


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self, at: dt.datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> dt.datetime:
        return self.at

    def forward(self, **units: float) -> None:
        self.at += dt.timedelta(**units)


def ask(n: object = 1, *, provider: str = "openai", model: str | None = None, **others: object) -> Request:
    model = model or (MODEL if provider == "openai" else "claude-haiku-5-5")
    values = {"system": "You write for players.", "user": json.dumps({"n": n}), "schema": SCHEMA} | others
    return Request(provider=provider, model=model, **({"schema_name": "variants", "max_tokens": 100} | values))


def asks(n: int, **others: object) -> list[Request]:
    return [ask(i, **others) for i in range(n)]


def a_run(app: str = "trading", night: str = "2024-03-01") -> Run:
    return Run(app, night, f"run {next(_RUNS)}")


def written(attempt: Attempt, text: str = '{"variants": ["Ä word"]}', cost_usd: float = 0.0001) -> Outcome:
    raw = json.dumps({"usage": {"input_tokens": 10}, "output": [{"text": text}]})
    reply = Written(attempt.request.key, text, Usage(10, 2, 3, 20, 5), cost_usd, seconds=0.25)
    return Outcome(attempt.id, reply, raw)


@contextmanager
def ledger_at(home, clock: Clock | None = None) -> Iterator[Ledger]:
    with open_ledger(home, clock or Clock()) as ledger:
        yield ledger
