"""The parameters that flows share, and their bounds. They become the form in Prefect's UI.

The form takes a parameter's description from the `Args` of its flow's docstring, and from there alone.
"""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from configs.app import App
from configs.errors import NightquestError
from configs.kinds import TypeName, Writer
from models.language.providers import provider_names
from models.tasks import task_names
from pipelines.pins import next_served_day
from pipelines.words.wishes import Wishes

EARLIEST = dt.date(1990, 1, 1)
MAX_NIGHTS = 400

AppName = Annotated[str, Field(min_length=1, max_length=400)]
SinkName = Annotated[str, Field(max_length=100)]
Files = Annotated[list[str], Field(min_length=1, max_length=1000)]
# The form shows a list of choices; "as the app says" leaves it to the app file.
APP_SAYS: Literal["as the app says"] = "as the app says"
WRITERS = [APP_SAYS, "offline", *provider_names(), "both"]


def _known_writer(name: str) -> str:
    if name not in WRITERS:
        raise ValueError(f"'{name}' writes nothing; use {', '.join(WRITERS)}")
    return name


Provider = Annotated[str, AfterValidator(_known_writer), WithJsonSchema({"type": "string", "enum": WRITERS})]
Mode = Literal["as the app says", "live", "batch"]
Types = Annotated[list[TypeName], Field(max_length=100)]
_BUDGET = r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h)\s*$"
_SECONDS = {"s": 1, "m": 60, "h": 3600}
LEAST_BUDGET_S, MOST_BUDGET_S = 10, 24 * 3600


def _known_task(name: str) -> str:
    if name not in task_names():
        raise ValueError(f"there is no task '{name}' to learn; use {', '.join(task_names())}")
    return name


Task = Annotated[str, AfterValidator(_known_task), WithJsonSchema({"type": "string", "enum": task_names()})]
Tasks = Annotated[list[Task], Field(max_length=100)]
Duration = Annotated[str, Field(pattern=_BUDGET, examples=["10m"])]
MaxCost = Annotated[float, Field(ge=0, le=10_000)]


def check_day(app: App, day: dt.date | None, now: dt.datetime, name: str = "--as-of") -> dt.date | None:
    """Refuse a day that no night can serve; Prefect's form lets any text through to here.

    Raises:
        NightquestError: It is before 1990 or after the next day to begin.
    """
    latest = next_served_day(app, now, dt.timedelta(0))
    if day is not None and not EARLIEST <= day <= latest:
        raise NightquestError(
            f"{name} {day} cannot be served.", f"Give a day from {EARLIEST} to {latest}, the next day of '{app.app}'."
        )
    return day


def seconds_of(budget: str | None) -> float | None:
    """The seconds of a time such as 90s, 10m or 1h; None where none is given.

    Raises:
        NightquestError: It is no time, shorter than ten seconds or longer than a day.
    """
    if budget is None:
        return None
    found = re.match(_BUDGET, budget)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not LEAST_BUDGET_S <= seconds <= MOST_BUDGET_S:
        raise NightquestError(
            f"--budget {budget} is no time to train in.", "Give one from 10s to 24h, such as 90s or 10m."
        )
    return seconds


def wishes(
    provider: Provider = APP_SAYS,
    mode: Mode = APP_SAYS,
    types: Types | None = None,
    max_cost_usd: MaxCost | None = None,
) -> Wishes:
    """What a run asks for beyond the app file."""
    writer: Writer | None = None if provider == APP_SAYS else provider
    return Wishes(writer, None if mode == APP_SAYS else mode, tuple(types or ()), max_cost_usd)


def check_span(app: App, start: dt.date, end: dt.date, now: dt.datetime) -> None:
    """Refuse a span of nights that is turned round, too long or out of reach.

    Raises:
        NightquestError: With what to give instead.
    """
    check_day(app, start, now, "--from")
    check_day(app, end, now, "--to")
    if end < start:
        raise NightquestError(f"--to {end} is before --from {start}.", "Turn them round.")
    if (end - start).days >= MAX_NIGHTS:
        raise NightquestError(f"From {start} to {end} is more than {MAX_NIGHTS} nights.", "Take it in parts.")
