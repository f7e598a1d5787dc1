"""What the pretended models write: texts that a designer would ship, for any brief, in the form of its schema."""

import hashlib
import random
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from pipelines.words.checks.repeats import repeated_word
from pipelines.words.writers.grammar import tidy
from tests.language_server import voices
from tests.language_server.asked import Asked
from tests.language_server.judging import judge, verdict
from tests.language_server.options import Options
from tests.language_server.voices import Voice, phrases, voice_of

_KEPT = 2_000  # grammars
_TRIES, _ENOUGH = 10, 3  # drafts for each text that is wanted, and how many will do when there are texts to spare
_UNCLEAN = re.compile(r"\b(\w+) \1\b|\bone\b", re.IGNORECASE)  # outside the app's own task
_LENGTHS = {"title": 60, "text": 240}


class Writer:
    """Answers for any request. Equal requests of a provider get equal answers."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._voices: OrderedDict[bytes, Voice] = OrderedDict()

    def warm(self) -> None:
        """Load what is needed."""
        if self._options.voices:
            voices.warm()

    def write(self, asked: Asked) -> Any:
        """The JSON of the answer."""
        task = asked.task
        seed = hashlib.sha256(f"{self._options.seed}/{asked.provider}/{asked.user}".encode()).hexdigest()
        draw = random.Random(seed)  # noqa: S311 (no secret)
        if task.kind == "judge":
            return judge(task.data, draw, self._options.position_bias)
        if task.kind == "verdict":
            return verdict(task.data, draw, strict=asked.provider == "anthropic")
        if task.kind == "brief" and (form := _form(asked.schema)):
            return self._variants(asked, form, draw)
        return filled(asked.schema or {"type": "string"}, draw)

    def _variants(self, asked: Asked, form: tuple[str, Mapping[str, Any]], draw: random.Random) -> Any:
        """As many different texts as the brief wants, as entries of the schema's list."""
        name, entry = form
        data = asked.task.data
        wanted = max(1, int(data.get("variants") or 1))
        language = str(data.get("language") or "en").split("-")[0]
        if language in phrases()["languages"]:
            drafts = _foreign(data, phrases()["languages"][language], draw)
        else:
            drafts = _native(data, self._voice(asked), draw)
        chosen = _choose(data, drafts, wanted, self._voice(asked).unit if language == "en" else None)
        return {name: [_entry(entry, title, parts, draw) for title, parts in chosen]}

    def _voice(self, asked: Asked) -> Voice:
        data = asked.task.data
        told = (
            "app",
            "content_type",
            "persona",
            "metric",
            "difficulty",
            "occasion",
            "task",
            "slots",
            "badge",
            "player",
        )
        key = orjson.dumps([asked.provider, *(data.get(name) for name in told)], option=orjson.OPT_SORT_KEYS)
        if key not in self._voices:
            self._voices[key] = voice_of(data, asked.provider, known=self._options.voices)
            if len(self._voices) > _KEPT:
                self._voices.popitem(last=False)
        return self._voices[key]


def _choose(
    data: Mapping[str, Any], drafts: Iterator[tuple[str, list[str]]], wanted: int, unit: str | None
) -> list[tuple[str, list[str]]]:
    """Different texts that fit: within their lengths, no title that is to be avoided, no beginning used before."""
    most = {**_LENGTHS, **(data.get("max_chars") or {})}
    task = str(data.get("task") or "")
    titles = {str(title).casefold() for title in data.get("avoid") or ()}
    chosen: list[tuple[str, list[str]]] = []
    texts: set[str] = set()
    begun: set[str] = set()
    spare: list[tuple[str, list[str]]] = []
    for tried, (title, parts) in enumerate(drafts):
        enough = tried >= _ENOUGH * wanted and len(chosen) + len(spare) >= wanted
        if len(chosen) == wanted or enough or tried >= _TRIES * wanted:
            break
        text = " ".join(parts)
        if text in texts or title.casefold() in titles or _UNCLEAN.search(_without(text, task)):
            continue
        if len(text) > most["text"] or len(title) > most.get("title", 60):
            continue
        texts.add(text)
        start = text.split(" ", 1)[0]
        if start in begun or (unit is not None and repeated_word(title, text, unit)):
            spare.append((title, parts))
            titles.add(title.casefold() or text)
            continue
        begun.add(start)
        titles.add(title.casefold() or text)
        chosen.append((title, parts))
    for title, parts in spare:  # rather a plain beginning than a text less
        if len(chosen) < wanted:
            chosen.append((title, parts))
    return chosen or [("A Small Step", ["Carry on at your own pace."])]


def _without(text: str, task: str) -> str:
    """The text without the app's own task, which may say what a model may not."""
    return re.sub(re.escape(task), "", text, flags=re.IGNORECASE) if task else text


def _native(data: Mapping[str, Any], voice: Voice, draw: random.Random) -> Iterator[tuple[str, list[str]]]:
    """Drafts in the app's voice: a title, and the text in one piece or in steps."""
    grammar = voice.grammar
    while True:
        title = tidy(grammar.expand(voice.title, draw)) if voice.title and voice.title in grammar else ""
        if data.get("content_type") == "tutorial":
            steps = ["step_begin", "step_core", *draw.sample(["step_why", "wish"], 2), "step_check"]
            yield title, [tidy(grammar.expand(step, draw)) for step in steps if step in grammar]
        elif voice.text in grammar:
            yield title, [tidy(grammar.expand(voice.text, draw))]
        else:
            return


def _foreign(
    data: Mapping[str, Any], words: Mapping[str, list[str]], draw: random.Random
) -> Iterator[tuple[str, list[str]]]:
    """Drafts in another language, with the slots that the brief wants."""
    badge = (data.get("badge") or {}).get("title", "")
    titled = data.get("content_type") != "badge_citation"
    while True:
        groups = [draw.choice(group) for group in data.get("one_of") or ()]
        asked = ("amount", "evidence", "window", "period", "until", "goal_1")
        slot = next((name for name in asked if name in groups), "")
        like = {"amount": "marker", "goal_1": "goal", "until": "window", "": "badge" if badge else ""}
        kind = like.get(slot, slot)
        said = draw.choice(words[kind]).replace("{badge}", badge) if kind else ""
        middle = [said.replace("{window}", "{until}") if slot == "until" else said] if kind else []
        middle += ["{also}."] if "also" in groups else []
        parts = [draw.choice(words["openings"]), *middle, draw.choice(words["closings"])]
        title = draw.choice(words["titles"]) if titled else ""
        steps = parts if data.get("content_type") == "tutorial" else [" ".join(parts)]
        yield title, steps


def _form(schema: Mapping[str, Any] | None) -> tuple[str, Mapping[str, Any]] | None:
    """The name of the list of entries in a schema and the schema of an entry."""
    for name, part in ((schema or {}).get("properties") or {}).items():
        entry = _resolved(part.get("items") or {}, schema or {})
        if part.get("type") == "array" and entry.get("type") == "object":
            return name, entry
    return None


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if reference := part.get("$ref"):
        found: Mapping[str, Any] = (schema.get("$defs") or {}).get(str(reference).rsplit("/", 1)[-1], {})
        return found
    return part


def _entry(schema: Mapping[str, Any], title: str, parts: list[str], draw: random.Random) -> dict[str, Any]:
    """A text in the form of the schema: title, steps, and the first other text; anything else is filled in."""
    entry: dict[str, Any] = {}
    text: str | None = " ".join(parts)
    for name, part in (schema.get("properties") or {}).items():
        if name == "title" and part.get("type") == "string":
            entry[name] = title
        elif part.get("type") == "array" and text is not None:
            entry[name], text = parts, None
        elif part.get("type") == "string" and "enum" not in part and text is not None:
            entry[name], text = text, None
        else:
            entry[name] = filled(part, draw)
    return entry


def filled(schema: Mapping[str, Any], draw: random.Random) -> Any:
    """Anything that a schema allows."""
    if options := schema.get("enum") or ("const" in schema and [schema["const"]]):
        return draw.choice(options)
    if options := schema.get("anyOf"):
        return filled(options[0], draw)
    kind = schema.get("type")
    if kind == "object":
        return {name: filled(part, draw) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [filled(schema.get("items") or {}, draw)]
    number = schema.get("minimum", 1)
    return {"integer": number, "number": number, "boolean": True, "null": None}.get(str(kind), "Well done.")
