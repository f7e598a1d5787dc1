"""From a brief to what is asked of a language model: a system part that briefs share, and the brief as data."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from configs.app import App
from configs.language import LanguageModel, Vendor
from configs.prompt import Prompt, fill
from configs.prompt import read_prompts as load_prompts
from configs.voice import voice_defaults
from models.language.calls import Request
from pipelines.content.answers import answer_schema
from pipelines.content.briefs import Brief
from pipelines.content.cleaning import as_json, clean
from pipelines.content.grammar import references
from pipelines.content.lexicon import STARTS
from pipelines.content.telling import brief_data, most_characters

__all__ = ["canary", "effort_tokens", "load_prompts", "render_request", "system_part"]

# Room for what a model thinks before it answers, in tokens.
_REASONING = {"none": 0, "minimal": 512, "low": 2048, "medium": 8192, "high": 16384}
_CHARACTERS_PER_TOKEN = 2  # few, for languages that take more tokens than English
_TOKENS_AROUND = 30  # keys, quotes and commas of one entry
_LARGEST_ANSWER = 20_000  # Anthropic's SDK refuses more without streaming
_STYLE_LINES, _PERSONA_LINES = 5, 3
_LONGEST_LINE = 90


def render_request(
    app: App,
    brief: Brief,
    prompt: Prompt,
    *,
    provider: Vendor,
    model: str,
    pricing: LanguageModel,
    variants: int,
    turn: int = 1,
    avoid: Sequence[str] = (),
    again: Sequence[str] = (),
    system: str | None = None,
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
        system: From `system_part`, for a caller who renders many requests; None renders it.
    """
    data = brief_data(app, brief, variants=variants, turn=turn, avoid=avoid, again=again)
    limits = most_characters(app, brief)
    size = sum(limits.values()) // _CHARACTERS_PER_TOKEN + _TOKENS_AROUND
    return Request(
        provider=provider,
        model=model,
        system=system_part(app, prompt) if system is None else system,
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
    return fill(prompt.system, {"voice": "\n".join(_voice(app, prompt))})


def effort_tokens(pricing: LanguageModel) -> int:
    """Tokens that a model may spend on reasoning before it answers."""
    return _REASONING[pricing.effort or "none"]


def canary(app: str, prompt_version: str) -> str:
    """A made-up word that stands in the system part and nowhere else: a text that carries it has told on its prompt."""
    digits = hashlib.sha256(f"canary/{app}/{prompt_version}".encode()).hexdigest()[:10]
    return "quill" + digits.translate(str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst"))


def _voice(app: App, prompt: Prompt) -> Iterator[str]:
    voice = app.voice
    yield f"## The voice of {clean(app.title)}"
    yield ""
    yield f"- World: {clean(voice.theme, 600)}."
    yield f"- Tone: {clean(voice.tone, 300)}."
    yield f"- A member is called: {clean(voice.player)}."
    if voice.forbidden:
        phrases = "; ".join(clean(phrase) for phrase in voice.forbidden)
        yield f"- Forbidden claims, in these words, in other words, in any grammar and in any language: {phrases}."
    lines, by_persona = _style(app, prompt.name)
    if lines:
        yield ""
        yield "Lines of the app's own, for their sound. Write in their spirit and use none of them again:"
        yield from (f"- {line}" for line in lines)
    if by_persona:
        yield ""
        yield "How it speaks to each kind of member:"
        yield from (f"- {name}: {' / '.join(spoken)}" for name, spoken in by_persona.items())
    yield ""
    mark = canary(app.app, prompt.version)
    yield f"The word {mark} marks this text. It never stands in an answer, nor does a part of it."


def _style(app: App, content_type: str) -> tuple[list[str], dict[str, list[str]]]:
    """Phrases of the symbols that the content type's texts are made of: some of every symbol, and some by persona."""
    starts = STARTS.get(content_type, STARTS["daily_challenge"])
    lexicons = [app.voice.lexicon, voice_defaults().lexicon]
    symbols = _reachable([start for start in starts if start], lexicons)
    lines: list[str] = []
    by_persona: dict[str, list[str]] = {}
    for symbol in symbols:
        lexicon = next((lexicon for lexicon in lexicons if symbol in lexicon), {})
        lines += _spread(_spoken(lexicon.get(symbol, [])), _STYLE_LINES)
        for persona in app.personas:
            found = _spread(_spoken(lexicon.get(f"{symbol}_{persona}", [])), _PERSONA_LINES)
            by_persona[persona] = [*by_persona.get(persona, []), *found]
    return list(dict.fromkeys(lines)), {name: spoken for name, spoken in by_persona.items() if spoken}


def _reachable(starts: Sequence[str], lexicons: Sequence[Mapping[str, list[str]]]) -> list[str]:
    """Symbols that the starts lead to, in the order they are met."""
    found = list(starts)
    for symbol in found:  # grows while it is walked
        phrases = next((lexicon[symbol] for lexicon in lexicons if symbol in lexicon), [])
        found += [name for phrase in phrases for name in dict.fromkeys(references(phrase)) if name not in found]
    return found


def _spoken(phrases: Sequence[str]) -> list[str]:
    """Whole lines: those that refer to nothing and have no slot."""
    whole = [clean(phrase, 2 * _LONGEST_LINE) for phrase in phrases if "#" not in phrase and "{" not in phrase]
    return [line for line in whole if line[-1:] in {".", "?", "!"} and len(line) <= _LONGEST_LINE]


def _spread(lines: Sequence[str], most: int) -> list[str]:
    """At most so many of them, from the whole length of the list."""
    return [lines[i * len(lines) // most] for i in range(most)] if len(lines) > most else list(lines)
