"""What MLflow's page of a night says: the models that had a part, where it was published, who ran it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

Past = Mapping[dt.date, Mapping[str, float]]  # figures of earlier nights, by the day served
_DAY_ZERO = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class NightPage:
    """What a night's run names.

    Attributes:
        folder: Where the night was published, under home.
        models: By task: a version (`<app>.<task>/<number>`), or a fallback that says so.
        prefect_url: Where Prefect shows its run, where Prefect recorded it.
    """

    folder: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    prefect_url: str | None = None

    def tags(self) -> dict[str, str]:
        """Columns that MLflow's table of runs can show, and the text above a run's figures."""
        tags = {f"model_{task}": version for task, version in self.models.items()}
        tags |= {"published": self.folder} if self.folder else {}
        tags |= {"prefect_run": self.prefect_url} if self.prefect_url else {}
        return tags | ({"mlflow.note.content": self._note()} if tags else {})

    def _note(self) -> str:
        lines = [f"- {task}: {_link(version)}" for task, version in self.models.items()]
        lines += [f"- published in `{self.folder}`, under the home folder"] if self.folder else []
        lines += [f"- [its run in Prefect]({self.prefect_url})"] if self.prefect_url else []
        curve = "`promised`, `ended_promised` and `ended_kept` hold the nights before too: a step is a day since 1970."
        return "\n".join([*lines, "", curve])


def day_number(day: dt.date) -> int:
    """The step of a day in MLflow's charts: days since 1970, so that the runs of an app lie on one line."""
    return (day - _DAY_ZERO).days


def day_moment_ms(day: dt.date) -> int:
    """The moment of a day in MLflow's charts over time: its midnight in UTC, in milliseconds since 1970."""
    return day_number(day) * 86_400_000


def _link(version: str) -> str:
    """A registered version as a link within MLflow's pages."""
    name, slash, number = version.rpartition("/")
    return f"[{name} version {number}](#/models/{name}/versions/{number})" if slash and number.isdigit() else version
