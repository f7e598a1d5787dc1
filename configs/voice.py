"""What every voice starts from: phrases for the offline writer, and how each language writes numbers and spans."""

from functools import cache
from pathlib import Path

from pydantic import Field

from configs.app import Part
from configs.yaml_file import read_yaml

VOICE = Path(__file__).parent / "voice.yaml"


class Locale(Part):
    """How a language writes what is filled into a text. `{n}` stands for the number."""

    thousands: str
    decimal: str
    percent: str
    today: str = Field(description="A window of one day.")
    window: str = Field(description="A window of several days, from now on.")
    span: str = Field(description="Some days, whichever.")
    day: str
    days: str
    joined: str = Field(description="Two things, {a} and {b}.")
    past: str = Field(description="A thing {a} within the {n} days behind.")


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
