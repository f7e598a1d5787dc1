"""The models that serve, and how a contest's winner does against them on days that neither has seen."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import NDArray

from configs.app import App
from configs.errors import NightquestError
from models.scores import clustered_interval, log_losses
from models.tasks.attainment import AttainmentModel
from models.tasks.plays import PlaysModel
from models.tracking.registry import Registry
from pipelines.learning.outdated import edited_since

FEWEST_FAIR = 300


@dataclass(frozen=True)
class Incumbent:
    """The champion of a task.

    Attributes:
        name: For people: `version 3`.
        model: None where it cannot serve any more.
        trained_to: The last day that it knew.
        gone: Why it cannot serve any more, as the end of a sentence about it; empty where it can.
    """

    name: str
    model: Any
    trained_to: dt.date
    gone: str = ""


@dataclass(frozen=True)
class Against:
    """A contest's winner against the incumbent.

    Attributes:
        name: The incumbent's.
        rows: Rows of the later holdout that the incumbent had not seen either.
        gain: Mean log-loss of the incumbent less the winner's on them, with its player-clustered 95 % interval; None
            where there are fewer than FEWEST_FAIR of them.
        gone: See `Incumbent`.
    """

    name: str
    rows: int
    gain: tuple[float, float, float] | None
    gone: str = ""


def incumbents(registry: Registry, app: App, night: dt.date) -> dict[str, Incumbent]:
    """The champions of plays and attainment at a night, by task; one that cannot serve any more says why.

    One that knew the night's day already is no rival of a model for that night.
    """
    found: dict[str, Incumbent] = {}
    for task, kind in (("plays", PlaysModel), ("attainment", AttainmentModel)):
        version = registry.champion(app.app, task)
        if version is None:
            continue
        name = f"version {version}"
        try:
            loaded = registry.load(app.app, task)
        except NightquestError as error:
            found[task] = Incumbent(name, None, dt.date.max, f"cannot be read: {error.message}")
            continue
        if loaded is None or not isinstance(loaded.model, kind) or loaded.model.outdated:
            found[task] = Incumbent(name, None, dt.date.max, "is of another version of Nightquest")
            continue
        trained_to = max(loaded.data_window.values())
        if trained_to >= night:
            continue
        edited = edited_since(app, loaded.model if isinstance(loaded.model, PlaysModel) else None, loaded.parameters)
        gone = f"is of an older app file ({edited})" if edited else ""
        found[task] = Incumbent(name, loaded.model, trained_to, gone)
    return found


def compare(
    incumbent: Incumbent,
    test: pl.DataFrame,
    label: str,
    losses: NDArray[Any],
    seen_by: Callable[[Any, pl.DataFrame], pl.DataFrame],
) -> Against:
    """How the winner of a contest does against the incumbent, on rows whose day the incumbent had not seen.

    Args:
        incumbent: The model that serves.
        test: The contest's later holdout: player_key, base_day, the label and what a model looks at.
        label: The column with what happened, 0 or 1.
        losses: The winner's log-loss of each row.
        seen_by: (model, rows) to the rows as the model looks at them, in the same order.
    """
    if incumbent.gone:
        return Against(incumbent.name, 0, None, incumbent.gone)
    fair = (test["base_day"] > incumbent.trained_to).to_numpy()
    rows = test.filter(fair)
    if rows.height < FEWEST_FAIR:
        return Against(incumbent.name, rows.height, None)
    promised = incumbent.model.predict(seen_by(incumbent.model, rows))
    gains = log_losses(rows[label].to_numpy().astype(float), promised) - losses[fair]
    low, high = clustered_interval(gains, rows["player_key"].to_numpy())
    return Against(incumbent.name, rows.height, (float(gains.mean()), float(low), float(high)))
