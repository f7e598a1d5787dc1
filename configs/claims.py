"""What no text may claim or carry: patterns by topic and language, from configs/claims.yaml."""

import re
from functools import cache, cached_property
from pathlib import Path

from pydantic import Field, field_validator

from configs.part import Part
from configs.yaml_file import read_yaml

CLAIMS = Path(__file__).parent / "claims.yaml"


class Topic(Part):
    """A kind of claim."""

    says: str = Field(description="What is wrong with a text that makes it, as the end of a sentence.")
    patterns: dict[str, list[str]] = Field(description="Regular expressions by language; English holds everywhere.")
    where_forbidden: str = Field("", description="Only for voices of which a forbidden phrase matches this.")

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for pattern in (pattern for patterns in value.values() for pattern in patterns):
            re.compile(pattern)
        return value

    @cached_property
    def compiled(self) -> dict[str, re.Pattern[str]]:
        """One expression for each language."""
        return {language: re.compile("|".join(f"(?:{p})" for p in found)) for language, found in self.patterns.items()}


class Claims(Part):
    """The whole of configs/claims.yaml."""

    topics: dict[str, Topic]
    numbers: dict[str, str]
    moments: dict[str, str]


@cache
def claims() -> Claims:
    """Read configs/claims.yaml once.

    Raises:
        AppFileError: The file is missing or not YAML.
        re.error: A pattern is none.
    """
    return Claims.model_validate(read_yaml(CLAIMS).content)
