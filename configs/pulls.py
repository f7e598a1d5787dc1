"""What an app file says of a live PostgreSQL from which rows are pulled."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from configs.part import Part

_VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]{0,63}$")


def _variable(value: str) -> str:
    # What stands here by mistake may be an address with a password: it is not repeated.
    if not _VARIABLE.match(value) or value.startswith("NIGHTQUEST_"):
        raise ValueError(
            "is not the name of an environment variable; write one like SHOP_DATABASE, which holds the address, and "
            "never the address itself"
        )
    return value


def _query(value: str) -> str:
    text = value.strip().removesuffix(";").rstrip()
    if not re.match(r"(?is)(select|with)\b", text):
        raise ValueError("is no query; write one SELECT")
    return text


Variable = Annotated[str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": _VARIABLE.pattern})]


class Pull(Part):
    """One SELECT on a server, whose rows come in as if they were delivered as a file of the pull's name."""

    dsn: Variable = Field(description="Name of the environment variable that holds the server's address.")
    select: Annotated[str, AfterValidator(_query)] = Field(description="What is read, in PostgreSQL's SQL.")
    watermark: str = Field(
        min_length=1, description="The column by which rows that are new, or changed, are told: it only grows."
    )
    overlap: int | None = Field(
        None,
        ge=0,
        description="How far behind the newest row each pull looks again for rows committed late: seconds for a moment "
        "(3600), days for a date (1), else a number (1000).",
    )
    players: bool = Field(False, description="Its rows are of players, not of events.")
