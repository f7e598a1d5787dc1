"""When flows start by themselves: what a flow's file says of its deployment. Prefect hears of it in deployments.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from configs.app import App

NIGHT_AFTER_H = 2.0  # yesterday's events have come in by then; at most two thirds of the grace


@dataclass(frozen=True)
class Start:
    """Every day, or on one weekday, so many hours after an app's day begins by the clocks of its zone.

    Attributes:
        after_h: Hours, negative before the day begins.
        weekday: As cron has it: `1` is Monday.
        parameters: Of the runs that it starts, beside the deployment's, which a person's runs have alone.
    """

    after_h: float
    weekday: str = "*"
    parameters: Mapping[str, bool] = field(default_factory=dict)


# From an app and the hours for which a day may have begun for a night to serve it still; None: no start for this app.
Starts = Callable[[App, float], Start | None]


def by_hand(_app: App, _grace_h: float) -> None:
    """Only a person starts it."""


@dataclass(frozen=True)
class Deployed:
    """A flow's deployment.

    Attributes:
        starts: When it starts by itself, for each app that is served.
        each_app: Whether each app has a deployment of its own, with the parameter `app`; else there is one for all.
        suits: Which apps have one, where each has its own.
    """

    starts: Starts = by_hand
    each_app: bool = False
    suits: Callable[[App], bool] = lambda _: True


def night_after_h(grace_h: float) -> float:
    """How many hours after its day begins an app's night is scheduled."""
    return min(NIGHT_AFTER_H, grace_h * 2 / 3)
