"""What is to be written and by whom, and what comes of it: pens, teams, jobs, texts."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from configs.language import LanguageModel
from configs.prompt import Prompt
from pipelines.words.briefs import Brief
from pipelines.words.writers.offline import Variant


@dataclass(frozen=True)
class Pen:
    """A provider with its model and the prompts that serve.

    Attributes:
        prompts: By content type, and the judge's.
    """

    provider: str
    model: str
    pricing: LanguageModel
    prompts: Mapping[str, Prompt]

    def version(self, content_type: str) -> str:
        """Of the prompt."""
        return self.prompts[content_type].version


@dataclass(frozen=True)
class Team:
    """Who writes for an arm.

    Attributes:
        pens: One, or both when a judge is to pick.
        others: Who is asked for what the only pen could not write.
    """

    pens: tuple[Pen, ...]
    others: tuple[Pen, ...] = ()

    def name(self, content_type: str) -> str:
        """Provider, model and prompt version: texts of another name are other texts."""
        return "+".join(f"{pen.provider}/{pen.model}/{pen.version(content_type)}" for pen in self.pens)


@dataclass(frozen=True)
class Job:
    """A brief that lacks texts.

    Attributes:
        turn: 1 for its first texts.
        avoid: Titles and texts that it has.
        place: Where new texts go on counting.
    """

    brief: Brief
    team: Team
    missing: int
    turn: int = 1
    avoid: tuple[Variant, ...] = ()
    place: int = 0


@dataclass(frozen=True)
class Text:
    """A text with where it comes from.

    Attributes:
        serves: False for one that lost against another provider's.
        metadata: How it came about.
    """

    variant: Variant
    pen: Pen
    call_key: str
    cost_usd: float
    serves: bool = True
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Tally:
    """What happened while writing, for the reports."""

    asked: Counter[str] = field(default_factory=Counter)  # by purpose
    failed: Counter[str] = field(default_factory=Counter)  # requests without a usable answer, by provider and reason
    refused: Counter[str] = field(default_factory=Counter)  # texts that failed their check, by fault
    happened: Counter[str] = field(default_factory=Counter)  # 'first', 'again', 'other provider', 'offline'
    judged: Counter[str] = field(default_factory=Counter)  # how contests were decided
    known: int = 0  # answers that the ledger had

    def add(self, more: "Tally") -> None:
        """Count what another has counted."""
        for name, value in vars(more).items():
            setattr(self, name, getattr(self, name) + value)


def text_row(job: Job, place: int, text: Text) -> dict[str, object]:
    """A text as a row of the pool, but for `made_on`."""
    told = {"language": job.brief.language, **text.metadata}
    return {
        "brief_id": job.brief.brief_id,
        "variant": text.variant.variant,
        "place": job.place + place,
        "title": text.variant.title,
        "text": text.variant.text,
        "language": job.brief.language,
        "ai_provider": text.pen.provider,
        "model": text.pen.model,
        "prompt_version": text.pen.version(job.brief.content_type),
        "call_key": text.call_key,
        "cost_usd": text.cost_usd,
        "serves": text.serves,
        "metadata": json.dumps(told, sort_keys=True),
    }
