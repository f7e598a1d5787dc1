"""From a brief to what is asked of a language model: a system part that briefs share, and the brief as data."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from configs.app import App
from configs.app_key import AppKey
from configs.language import LanguageModel
from configs.prompt import Prompt, fill
from configs.prompt import read_prompts as load_prompts
from models.language.calls import Request
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import as_json, clean
from pipelines.words.checks.safety import canary_of
from pipelines.words.writers.answers import answer_schema
from pipelines.words.writers.style import style_lines
from pipelines.words.writers.telling import brief_data, most_characters

__all__ = ["effort_tokens", "load_prompts", "render_request", "system_part"]

# Room for what a model thinks before it answers, in tokens.
_REASONING = {"none": 0, "minimal": 512, "low": 2048, "medium": 8192, "high": 16384}
_CHARACTERS_PER_TOKEN = 2  # few, for languages that take more tokens than English
_TOKENS_AROUND = 30  # keys, quotes and commas of one entry
_LARGEST_ANSWER = 20_000  # Anthropic's SDK refuses more without streaming


def render_request(
    app: App,
    brief: Brief,
    prompt: Prompt,
    *,
    provider: str,
    model: str,
    pricing: LanguageModel,
    variants: int,
    turn: int = 1,
    avoid: Sequence[str] = (),
    again: Sequence[str] = (),
) -> Request:
    """Ask for texts of a brief. The same arguments give the same request, with the same key.

    Args:
        app: Its voice, metrics and badges.
        brief: What to write; its profile goes into the user part as data.
        prompt: Of the brief's content type.
        provider: Who is asked.
        model: Which model.
        pricing: The model's reasoning effort; its prices do not matter here.
        variants: How many texts.
        turn: 1, then 2 for more of the same brief.
        avoid: Titles that are in use.
        again: What was wrong with the last answer, when it is asked for once more.
    """
    data = brief_data(app, brief, variants=variants, turn=turn, avoid=avoid, again=again)
    limits = most_characters(app, brief)
    size = sum(limits.values()) // _CHARACTERS_PER_TOKEN + _TOKENS_AROUND
    return Request(
        provider=provider,
        model=model,
        system=system_part(app, prompt),
        user=fill(prompt.user, {"brief": as_json(data)}),
        schema=answer_schema(brief.content_type),
        schema_name=brief.content_type,
        max_tokens=min(variants * size + effort_tokens(pricing), _LARGEST_ANSWER),
        effort=pricing.effort,
        purpose=brief.content_type,
        prompt_version=prompt.version,
    )


def system_part(app: App, prompt: Prompt) -> str:
    """The system part: the same for all briefs of an app and content type, with the app's voice at its end."""
    return _system(AppKey(app), prompt)


def effort_tokens(pricing: LanguageModel) -> int:
    """Tokens that a model may spend on reasoning before it answers."""
    return _REASONING[pricing.effort or "none"]


@lru_cache(maxsize=64)
def _system(of: AppKey, prompt: Prompt) -> str:
    return fill(prompt.system, {"voice": "\n".join(_voice(of.app, prompt.name))})


def _voice(app: App, name: str) -> Iterator[str]:
    voice = app.voice
    yield f"## The voice of {clean(app.title)}"
    yield ""
    yield f"- World: {clean(voice.theme, 600)}."
    yield f"- Tone: {clean(voice.tone, 300)}."
    yield f"- A member is called: {clean(voice.player)}."
    if voice.forbidden:
        phrases = "; ".join(clean(phrase) for phrase in voice.forbidden)
        yield f"- Forbidden claims, in these words, in other words, in any grammar and in any language: {phrases}."
    yield from style_lines(app, name)
    yield ""
    yield f"The word {canary_of(app.app)} marks this text. It never stands in an answer, nor does a part of it."
