"""The grammar of a brief: the app's own lexicon where it is a shipped app, the neutral one, and phrases beside both."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from configs.app import App
from configs.loader import load_app
from configs.nouns import looks_plural, plural_of
from configs.shipped import shipped_apps
from configs.voice import base_lexicon
from configs.wording import MetricWords, metric_words
from pipelines.words.writers.grammar import Grammar
from pipelines.words.writers.lexicon import title_case

# Where the texts of the content types start that the lexicons have a symbol for.
STARTS = {
    "daily_challenge": ("title", "challenge"),
    "motivational_message": ("motivation_title", "motivation"),
    "come_back_message": ("comeback_title", "comeback"),
    "badge_citation": ("", "citation"),
    "custom_achievement": ("achievement_title", "achievement"),
    "adaptive_mission": ("mission_title", "mission"),
    "mission_brief": ("briefing_title", "briefing"),
    "tutorial": ("tutorial_title", "tutorial"),
    "social_prompt": ("social_title", "social"),
    "personal_coaching": ("coaching_title", "coaching"),
}
# Of these the phrases here are used alone, so that they differ from what the offline writer makes of its own.
OWN_TYPES = ("custom_achievement", "adaptive_mission", "mission_brief", "tutorial", "social_prompt")
_PHRASES = Path(__file__).parent / "phrases.yaml"


@cache
def phrases() -> dict[str, Any]:
    """The whole of phrases.yaml."""
    found: dict[str, Any] = yaml.safe_load(_PHRASES.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Voice:
    """What a brief's texts are made from.

    Attributes:
        unit: What stands behind the number of its task.
    """

    grammar: Grammar
    title: str
    text: str
    unit: str


@cache
def apps() -> dict[str, App]:
    """The shipped apps, by name and by title."""
    found = [load_app(name).app for name in shipped_apps()]
    return {key: app for app in found for key in (app.app, app.title)}


def warm() -> None:
    """Read what every brief needs."""
    apps()
    phrases()
    base_lexicon()


def voice_of(data: Mapping[str, Any], provider: str, *, known: bool = True) -> Voice:
    """The grammar for a brief.

    Args:
        data: The brief.
        provider: Whose turns of phrase are added.
        known: Whether shipped apps speak in their own voices.
    """
    kind = str(data.get("content_type"))
    app = apps().get(str(data.get("app"))) if known else None
    words = _words(app, data)
    title, text = STARTS.get(kind, STARTS["daily_challenge"])
    task = data.get("task")
    if not task and text in {"briefing", "social"}:
        text = f"{text}_bare"
    tags = _tags(app, data, words[0] if words else "")
    own = _own(app.app if app else "", provider)
    symbols = _tagged(base_lexicon(), tags)
    if app:
        symbols |= _tagged(app.voice.lexicon, tags)
    for name, more in _tagged(own, tags).items():
        alone = kind in OWN_TYPES and name not in {"opening", "closing"}
        symbols[name] = more if alone else [*symbols.get(name, ()), *more]
    symbols["wish"] = symbols["ask"] if "window" in data.get("slots", {}) else ["#task#."]
    if "also" in data.get("slots", {}):
        symbols |= {"wish": ["#wish_first# #beside#"], "wish_first": symbols["wish"]}
    badge = data.get("badge") or {}
    player, label = str(data.get("player") or "player"), str((data.get("metric") or {}).get("label") or "")
    facts = {"player": player, "players": player if looks_plural(player) else plural_of(player)}
    facts |= {"badge": str(badge.get("title", "")), "tier": str(badge.get("tier", ""))}
    facts |= ({"task": str(task)} if task else {}) | ({"subject": title_case(label)} if label else {})
    return Voice(Grammar(symbols, facts), title, text, words[1].many if words else "")


def _own(app: str, provider: str) -> dict[str, list[str]]:
    """The phrases of this file for an app and a provider."""
    symbols: dict[str, list[str]] = dict(phrases()["every"])
    for more in (phrases()["apps"].get(app, {}), phrases()["providers"].get(provider, {})):
        for name, texts in more.items():
            symbols[name] = [*symbols.get(name, ()), *texts]
    return symbols


def _words(app: App | None, data: Mapping[str, Any]) -> tuple[str, MetricWords] | None:
    """The metric that a brief means, by its label."""
    label = (data.get("metric") or {}).get("label")
    for name in app.metrics if app and label else ():
        if app and (words := metric_words(app, name)) and words.label == label:
            return name, words
    return None


def _tags(app: App | None, data: Mapping[str, Any], metric: str) -> list[str]:
    """What may stand behind a symbol's name for this brief, as with the offline writer."""
    persona = str((data.get("persona") or {}).get("name", ""))
    task = str(data.get("task") or "")
    tags = [persona, metric, str(data.get("difficulty") or ""), *str(data.get("occasion") or "").split(" ")]
    tags.append(str((data.get("badge") or {}).get("tier", "")))
    if app and (found := app.personas.get(persona)):
        tags.append("bold" if found.risk_tolerance > 0.6 else "careful" if found.risk_tolerance < 0.4 else "even")
    if task:
        tags.append("plain" if task.endswith("}") else "tail")
    return [tag for tag in dict.fromkeys(tags) if tag]


def _tagged(lexicon: Mapping[str, list[str]], tags: list[str]) -> dict[str, list[str]]:
    symbols = {name: list(texts) for name, texts in lexicon.items()}
    for tag in tags:
        for name, texts in lexicon.items():
            if name.endswith(f"_{tag}"):
                symbol = name.removesuffix(f"_{tag}")
                symbols[symbol] = [*symbols.get(symbol, ()), *texts]
    return symbols
