"""What the test server can be told, at its start or while it runs (POST /_control/settings)."""

from dataclasses import dataclass, field, fields
from typing import Any

from models.language.offers import language_models

OPENAI_KEY = "sk-test-0123456789"
ANTHROPIC_KEY = "sk-ant-test-0123456789"


def _models() -> dict[str, str]:
    return {name: model.provider for name, model in language_models().models.items()}


@dataclass
class Options:
    """Settings of the test server.

    Attributes:
        models: The provider of every model that is served.
        latency_ms: How long a live answer takes.
        holding: Keep every live answer back until this is false again.
        batch_s: How long a batch takes from its creation to its end.
        window_s: The length of a 'minute' of the rate limits.
        limits: By model ('*' is every other): requests, tokens, input_tokens, output_tokens in a 'minute'. None: none.
        burst: How much of a 'minute' may be used at once, as a share of it.
        fast: A fixed answer for each content type, made once; bodies are hashed as they came, not checked.
        voices: Write in the voices of the shipped apps; without it the start is quicker and every text is neutral.
        reasoning_share: The share of answers that bill reasoning tokens when an effort is asked for.
        position_bias: The share of judgements that take the first text whatever it says.
        batch_requests, batch_bytes: What one batch may hold, by provider.
        log: How many requests are remembered with their bodies.
    """

    openai_key: str = OPENAI_KEY
    anthropic_key: str = ANTHROPIC_KEY
    models: dict[str, str] = field(default_factory=_models)
    latency_ms: float = 0
    holding: bool = False
    batch_s: float = 0.15
    window_s: float = 60
    limits: dict[str, dict[str, int]] = field(default_factory=dict)
    burst: float = 1
    fast: bool = False
    voices: bool = True
    seed: int = 7
    reasoning_share: float = 0.3
    position_bias: float = 0
    batch_requests: dict[str, int] = field(default_factory=lambda: {"openai": 50_000, "anthropic": 100_000})
    batch_bytes: dict[str, int] = field(default_factory=lambda: {"openai": 200_000_000, "anthropic": 256_000_000})
    log: int = 2_000

    def key(self, provider: str) -> str:
        """The key that a provider takes."""
        return self.openai_key if provider == "openai" else self.anthropic_key

    def change(self, values: dict[str, Any]) -> None:
        """Set some of the settings.

        Raises:
            ValueError: There is no such setting.
        """
        known = {one.name for one in fields(self)}
        if unknown := values.keys() - known:
            raise ValueError(f"no setting is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        for name, value in values.items():
            setattr(self, name, value)
