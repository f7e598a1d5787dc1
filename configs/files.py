"""What an app file says of the text files that are delivered, where they are not UTF-8 with a header line."""

import codecs
from typing import Literal

from pydantic import Field, field_validator

from configs.part import Part

Delimiter = Literal["comma", "semicolon", "tab", "pipe", "space"]
SIGNS: dict[Delimiter, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


class Files(Part):
    """How delivered text files are written, where that cannot be told from the file itself."""

    encoding: str | None = Field(None, description="Of text that is not UTF-8: `cp1252` of Excel, `utf-16`.")
    delimiter: Delimiter | None = Field(
        None, description="What stands between fields; without it, what splits the header most. `space`: any blanks."
    )
    columns: list[str] = Field([], description="Names of the columns, for files that have no header line.")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                codecs.getincrementaldecoder(value)
        except LookupError:
            raise ValueError(f"'{value}' is no encoding that Python knows; write one like cp1252") from None
        return value

    @property
    def sign(self) -> str | None:
        """The delimiter as it stands in the file, or None to find it out."""
        return SIGNS[self.delimiter] if self.delimiter else None


PLAIN = Files()
