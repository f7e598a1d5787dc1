"""What every voice starts from: phrases for the offline writer, and how each language writes numbers and spans."""

from functools import cache
from pathlib import Path

from pydantic import Field

from configs.part import Part
from configs.yaml_file import read_yaml

VOICE = Path(__file__).parent / "voice.yaml"


class Locale(Part):
    """How a language writes what is filled into a text. `{n}` stands for a number."""

    thousands: str
    decimal: str
    percent: str
    today: str = Field(description="Within one day.")
    window: str = Field(description="Within several days from now on.")
    period: str = Field(description="Several days from now on.")
    span: str = Field(description="Within some days, whichever.")
    of_days: str = Field(description="Some of {n} days.")
    past: str = Field(description="A thing {a} within {n} days that are over.")
    past_weeks: str = Field(description="A thing {a}, itself measured in days, within {n} weeks that are over.")
    past_day: str = Field(description="A thing {a} within a day that is over.")
    joined: str = Field(description="Two things, {a} and {b}.")
    level: str = Field(description="A measure {a} that comes to {n}.")
    average: str = Field(description="A number of things {a}, on average.")
    average_level: str = Field(description="A measure {a} that comes to {n} on average.")
    every: str = Field(description="Each of {n} things.")
    at_most: str = Field(description="Not more than {n}.")
    one: str = Field(description="The number 1 before a single thing that is counted, of whatever gender.")


class VoiceDefaults(Part):
    """The neutral voice: used symbol by symbol where an app's own lexicon has nothing."""

    lexicon: dict[str, list[str]]
    locales: dict[str, Locale]

    def locale(self, language: str) -> Locale:
        """The locale of a language tag such as `de` or `de-AT`; English for one that has none."""
        return self.locales.get(language.split("-", maxsplit=1)[0].lower(), self.locales["en"])


@cache
def voice_defaults() -> VoiceDefaults:
    """Read configs/voice.yaml once.

    Raises:
        AppFileError: The file is missing or not YAML.
    """
    return VoiceDefaults.model_validate(read_yaml(VOICE).content)
