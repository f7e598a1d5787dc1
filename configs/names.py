"""Names and other small words of an app file, each with what it may be."""

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from configs.zones import zone_names

NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")


def _plain_name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError(f"'{value}' must be lower-case letters, digits and underscores, starting with a letter")
    return value


def _known_zone(value: str) -> str:
    if value not in zone_names():
        raise ValueError(f"'{value}' is not an IANA time zone; write one like Europe/Berlin")
    return value


Name = Annotated[str, AfterValidator(_plain_name), WithJsonSchema({"type": "string", "pattern": NAME.pattern})]


Zone = Annotated[str, AfterValidator(_known_zone)]


Weight = Annotated[float, Field(ge=-1, le=1)]


def _on_the_clock(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("a time of day is written with its minutes, such as 04:00")
    return value


ClockTime = Annotated[
    dt.time,
    BeforeValidator(_on_the_clock, json_schema_input_type=Annotated[str, Field(pattern="^[0-2][0-9]:[0-5][0-9]$")]),
]
