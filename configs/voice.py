"""What voices start from: phrases for the offline writer by kind of app, and how a language writes what is filled in.

A kind of app is a file of configs/voices (configs/voices/<tag> where it is not English), a language a file of
configs/languages; all are found by name.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from configs.part import Part
from configs.verbs import Verb
from configs.yaml_file import read_yaml

VOICES, LANGUAGES = (Path(__file__).parent / name for name in ("voices", "languages"))
NEUTRAL = "neutral"
_ADDRESSED = re.compile(r"<([^|<>]*)\|([^|<>]*)>")


class Missing(Part):
    """What a badge still asks for: `{n}` is a number, `{a}` a thing, `{b}` what it is held against."""

    more: str = Field(description="So many more of a thing.")
    more_of: str = Field(description="So much more of what has no unit.")
    levels: dict[Literal["above", "least", "below", "most", "exactly"], str] = Field(
        min_length=5, max_length=5, description="What a measure is to come to."
    )
    counts: dict[Literal["below", "most", "exactly", "none"], str] = Field(
        min_length=4, max_length=4, description="How many of a thing there may be."
    )
    compared: dict[Literal["above", "least", "below", "most", "exactly", "other"], str] = Field(
        min_length=6, max_length=6, description="A measure held against another."
    )
    signs: dict[Literal["*", "-", "+", "/"], str] = Field(min_length=4, max_length=4, description="Between measures.")
    now: str = Field(description="What is asked for, and what it comes to now.")
    in_a_row: str = Field(description="Days without a gap.")
    this: dict[Literal["day", "week", "month", "year", "season"], str] = Field(
        min_length=5, max_length=5, description="Within the span of the calendar, or a badge's season, that goes on."
    )


class Locale(Part):
    """How a language writes what is filled into a text. `{n}` stands for a number."""

    name: str = Field(description="What the language is called, in English.")
    thousands: str
    decimal: str
    percent: str
    money: str = Field(description="An amount {n} of a currency that has a sign {a}, such as €.")
    today: str = Field(description="Within one day.")
    window: str = Field(description="Within several days from now on, where the last is not known.")
    period: str = Field(description="Several days from now on, where the last is not known.")
    until: str = Field(description="No later than on a day {a}, that day included.")
    days_until: str = Field(description="The days from now on up to a day {a}, that day included.")
    on_day: str = Field(description="On a day {a}, which has not begun when it is said.")
    a_day: str = Field(description="A day {a}, where `period` says several.")
    date: str = Field(description="A day, of {weekday}, {day} and {month}; of this year or the next.")
    first: str = Field("1", description="The {day} of the first day of a month.")
    weekdays: list[str] = Field(min_length=7, max_length=7, description="From Monday on, as they stand in a sentence.")
    months: list[str] = Field(min_length=12, max_length=12, description="From January on, as they stand in a date.")
    span: str = Field(description="Within some days, whichever.")
    of_days: str = Field(description="Some of {n} days.")
    past: str = Field(description="A thing {a} within {n} days that are over.")
    past_weeks: str = Field(description="A thing {a}, itself measured in days, within {n} weeks that are over.")
    past_day: str = Field(description="A thing {a} within a day that is over.")
    joined: str = Field(description="Two things, {a} and {b}.")
    level: str = Field(description="A measure {a} that comes to {n}.")
    share: str = Field(description="A measure {a} that comes to the share {n} of all.")
    average: str = Field(description="A number of things {a}, on average.")
    average_level: str = Field(description="A measure {a} that comes to {n} on average.")
    every: str = Field(description="Each of {n} things.")
    at_most: str = Field(description="Not more than {n}.")
    quoted: str = Field(description="A name {a} that would run on into the sentence around it.")
    title: str = Field(description="A title {a} that one gets.")
    badge: str = Field(description="A badge {a} that one gets.")
    unlock: str = Field(description="A thing {a} that is opened to one.")
    taken_back: str = Field(description="Said of a thing {a} that counts no longer, as an entry was withdrawn.")
    one: str = Field(description="The number 1 before a single thing that is counted, of whatever gender.")
    missing: Missing
    verbs: dict[Verb, str] = Field({}, description="First words of tasks, by what they ask: `buy: kauf kaufe kaufen`.")
    lexicon: dict[str, list[str]] = Field(
        {}, description="Phrases for the offline writer, by symbol; `<du|Sie>` is said by the voice's form of address."
    )

    def frame(self, measure: str, *, averaged: bool) -> str:
        """How a measure and what it comes to are said, where it is no number of things."""
        if measure == "share":
            return self.share
        return self.average_level if averaged else self.level


class _Kind(Part):
    """A file of configs/voices."""

    lexicon: dict[str, list[str]]


def primary(language: str) -> str:
    """The language of a tag without its region: 'de' of 'de-AT'."""
    return language.split("-", maxsplit=1)[0].lower()


@cache
def languages() -> tuple[str, ...]:
    """The languages that there is a catalogue of, in order."""
    return tuple(sorted(path.stem for path in LANGUAGES.glob("*.yaml")))


def locale_of(language: str) -> Locale:
    """The locale of a language tag such as `de` or `de-AT`; English for one without a catalogue.

    Raises:
        AppFileError: Its file is not YAML.
    """
    return _locale(found if (found := primary(language)) in languages() else "en")


@cache
def voice_kinds() -> tuple[str, ...]:
    """The kinds of app that have a voice, the neutral one first."""
    names = {path.stem for path in VOICES.glob("*.yaml")} - {NEUTRAL}
    return (NEUTRAL, *sorted(names))


@cache
def base_lexicon(kind: str = NEUTRAL) -> Mapping[str, list[str]]:
    """What an app's own lexicon is laid over, symbol by symbol: the kind's phrases, else those of the neutral voice.

    Raises:
        AppFileError: The kind's file is missing or not YAML.
    """
    own = _Kind.model_validate(read_yaml(VOICES / f"{kind}.yaml").content).lexicon
    return own if kind == NEUTRAL else {**base_lexicon(), **own}


@cache
def spoken_lexicon(language: str, address: str, kind: str = NEUTRAL) -> Mapping[str, list[str]]:
    """The phrases of a language's catalogue, as the voice's form of address has them; none for English.

    Over them lie those of the kind of app, symbol by symbol, where the language has any: configs/voices/<tag>/<kind>.

    Raises:
        AppFileError: A file is not YAML.
    """
    place = 1 + (address == "formal")
    own = VOICES / primary(language) / f"{kind}.yaml"
    of_kind = _Kind.model_validate(read_yaml(own).content).lexicon if own.exists() else {}
    said = {**locale_of(language).lexicon, **of_kind}
    return {name: [_ADDRESSED.sub(lambda f: f[place], one) for one in phrases] for name, phrases in said.items()}


@cache
def _locale(language: str) -> Locale:
    return Locale.model_validate(read_yaml(LANGUAGES / f"{language}.yaml").content)


def _known_kind(name: str) -> str:
    if name not in voice_kinds():
        raise ValueError(f"'{name}' is no kind of app; use {', '.join(voice_kinds())}")
    return name


class _Listed:
    """Lets a JSON Schema list the kinds there are when it is made."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(voice_kinds())}


VoiceKind = Annotated[str, AfterValidator(_known_kind), _Listed()]
